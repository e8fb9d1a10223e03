"""The system Grisaille succeeds, written anew from its description, as small as it can be.

An app opens the upload with Pillow, cuts horizontal stripes, encodes each as PNG and sends them one
after another over TCP to a master, which hands each to a waiting worker, one stripe a connection; the
worker answers with grey as PNG; the app decodes, pastes and encodes. The first one's app was Flask's; this
one's is Starlette's, which makes no difference that can be seen beside the codecs.
"""
