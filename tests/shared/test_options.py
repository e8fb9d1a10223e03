"""The options of a conversion: what is allowed, what is refused, and how a refusal reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.codecs.formats import WRITTEN, Format
from shared.options import (
    MAX_STRIPES,
    TABLE,
    WORKER_TABLE,
    Effort,
    Keep,
    Luma,
    Option,
    Options,
    accepted,
    openapi,
    parse,
    query,
)
from shared.problems import InvalidOption

OPTIONS = st.builds(
    Options,
    format=st.none() | st.sampled_from(WRITTEN),
    luma=st.sampled_from(Luma),
    quality=st.none() | st.integers(1, 100),
    effort=st.sampled_from(Effort),
    metadata=st.sampled_from(Keep),
    stripes=st.none() | st.integers(1, MAX_STRIPES),
    rows=st.none() | st.tuples(st.integers(0, 8000).map(lambda n: 8 * n), st.integers(1, 65500)),
    part=st.booleans(),
)
ENUMERATED = [(option, value) for option in WORKER_TABLE for value in option.enum]
BOUNDED = [option for option in WORKER_TABLE if option.minimum is not None]


@given(OPTIONS)
def test_a_worker_reads_from_the_query_exactly_the_options_the_gateway_wrote(options: Options) -> None:
    assert parse(query(options), WORKER_TABLE) == options


def test_no_parameters_mean_the_defaults_and_the_defaults_need_no_parameters() -> None:
    assert parse([]) == Options()
    assert query(Options()) == []


@given(st.text().filter(lambda name: name not in {option.name for option in TABLE}), st.text())
def test_an_unknown_name_is_refused_and_the_refusal_lists_all_names(name: str, value: str) -> None:
    with pytest.raises(InvalidOption) as refused:
        parse([(name, value)])
    assert all(option.name in refused.value.detail for option in TABLE)
    assert repr(name[:40]) in refused.value.detail


@pytest.mark.parametrize("name", ["rows", "part"])
def test_what_only_workers_take_is_unknown_to_the_public(name: str) -> None:
    with pytest.raises(InvalidOption, match=f"unknown option '{name}'"):
        parse([(name, "1")])


@pytest.mark.parametrize("option", TABLE, ids=lambda option: option.name)
def test_a_name_given_twice_is_refused_even_with_the_same_value(option: Option) -> None:
    value = option.enum[0] if option.enum else str(option.minimum)
    with pytest.raises(InvalidOption, match=f"'{option.name}' is given twice"):
        parse([(option.name, value), (option.name, value)])


@given(st.sampled_from([option for option in TABLE if option.enum]), st.text())
def test_a_value_outside_the_list_is_refused_and_the_refusal_shows_the_list(
    option: Option, value: str
) -> None:
    if value in option.enum:
        parse([(option.name, value)])
        return
    with pytest.raises(InvalidOption) as refused:
        parse([(option.name, value)])
    listed = set(option.enum) - {"jpg", "tif"}
    assert all(allowed in refused.value.detail for allowed in listed)
    assert option.name in refused.value.detail


@pytest.mark.parametrize("option", BOUNDED, ids=lambda option: option.name)
def test_a_number_is_taken_at_both_bounds_and_refused_just_outside(option: Option) -> None:
    assert option.minimum is not None
    assert option.maximum is not None
    for value in (option.minimum, option.maximum):
        assert getattr(parse([(option.name, str(value))]), option.name) == value
    for value in (option.minimum - 1, option.maximum + 1):
        with pytest.raises(InvalidOption, match=f"{option.minimum} to {option.maximum}"):
            parse([(option.name, str(value))])


@pytest.mark.parametrize(
    "value", ["", "-5", "+5", " 5", "5 ", "5.0", "1e1", "1_0", "٣", "²", "0x10", "9" * 5000]
)
@pytest.mark.parametrize("name", ["quality", "stripes"])
def test_only_plain_decimal_digits_are_a_number(name: str, value: str) -> None:
    with pytest.raises(InvalidOption, match="allowed: 1 to"):
        parse([(name, value)])


@pytest.mark.parametrize(
    "value", ["", "8", ":", "8:", ":8", "7:8", "4:8", "8:0", "8:8:8", "-8:8", "8,8", "a:b"]
)
def test_rows_must_be_a_multiple_of_eight_and_a_positive_count(value: str) -> None:
    with pytest.raises(InvalidOption, match="first a multiple of 8"):
        parse([("rows", value)], WORKER_TABLE)


def test_a_refusal_repeats_only_the_beginning_of_a_long_value() -> None:
    with pytest.raises(InvalidOption) as refused:
        parse([("luma", "x" * 100_000)])
    assert len(refused.value.detail) < 400


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("same", None),
        ("png", Format.PNG),
        ("jpeg", Format.JPEG),
        ("jpg", Format.JPEG),
        ("tiff", Format.TIFF),
        ("tif", Format.TIFF),
        ("webp", Format.WEBP),
    ],
)
def test_a_format_may_be_named_in_full_or_by_its_usual_extension(name: str, meant: Format | None) -> None:
    assert parse([("format", name)]).format is meant


@pytest.mark.parametrize("name", ["gif", "bmp", "avif", "JPEG", "image/png"])
def test_a_format_that_is_only_read_cannot_be_asked_for(name: str) -> None:
    with pytest.raises(InvalidOption, match="same, png, jpeg, tiff, webp"):
        parse([("format", name)])


@pytest.mark.parametrize(
    ("accept", "meant"),
    [
        ("", None),
        ("*/*", None),
        ("image/*", None),
        ("text/html, application/json", None),
        ("image/png", Format.PNG),
        ("image/jpeg", Format.JPEG),
        ("image/tiff", Format.TIFF),
        ("image/webp", Format.WEBP),
        ("IMAGE/PNG", Format.PNG),
        ("  image/png ; q=0.5 ", Format.PNG),
        ("image/png, */*;q=0.1", Format.PNG),
        ("image/png, image/*;q=0.8", Format.PNG),
        ("image/png, image/png;q=0.5", Format.PNG),
        ("image/png, image/jpeg", None),
        ("image/png, image/jpeg;q=0", Format.PNG),
        ("image/png, image/jpeg; q=0.000", Format.PNG),
        ("image/png;q=0", None),
        ("image/png;Q=0.", None),
        ("image/png;q=0.001", Format.PNG),
        ("image/avif", None),
        ("image/gif", None),
        ("image/png, image/gif", None),
        ("text/html,image/avif,image/webp,image/apng,*/*;q=0.8", None),  # a browser's, for pages
        ("image/pngx", None),
        ("application/png", None),
        (",;,;;,", None),
    ],
)
def test_accept_decides_only_where_it_names_exactly_one_image_type_we_write(
    accept: str, meant: Format | None
) -> None:
    assert accepted(accept) is meant


@given(st.text())
def test_any_accept_header_names_a_format_we_write_or_none(accept: str) -> None:
    assert accepted(accept) in {None, *WRITTEN}


@pytest.mark.parametrize("table", [TABLE, WORKER_TABLE], ids=["gateway", "worker"])
def test_openapi_lists_every_option_once_as_an_optional_query_parameter(table: tuple[Option, ...]) -> None:
    documented = openapi(table)
    assert [entry["name"] for entry in documented] == [option.name for option in table]
    assert all(entry["in"] == "query" and entry["required"] is False for entry in documented)
    assert all(entry["description"] for entry in documented)


@pytest.mark.parametrize("option", WORKER_TABLE, ids=lambda option: option.name)
def test_openapi_gives_each_option_the_bounds_or_values_that_are_checked(option: Option) -> None:
    [entry] = openapi((option,))
    schema = entry["schema"]
    assert isinstance(schema, dict)
    assert schema.get("enum", []) == list(option.enum)
    assert (schema.get("minimum"), schema.get("maximum")) == (option.minimum, option.maximum)


@pytest.mark.parametrize(("option", "value"), ENUMERATED, ids=lambda item: getattr(item, "name", item))
def test_every_documented_value_is_accepted(option: Option, value: str) -> None:
    field = getattr(parse([(option.name, value)], WORKER_TABLE), option.name)
    assert field in {value, None, True, *WRITTEN}


def test_every_field_of_the_options_can_be_asked_for() -> None:
    assert {option.name for option in WORKER_TABLE} == set(Options.__dataclass_fields__)
