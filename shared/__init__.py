"""What gateway and worker both speak: codecs, options, plan, problems, and the service plumbing."""
