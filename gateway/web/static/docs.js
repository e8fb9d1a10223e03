// The interface, from our own description and our own copy of Swagger UI.

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null, // would send the description to another host
});
