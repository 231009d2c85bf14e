"""Annotation backends, one module each; see `labelcycle.ports.AnnotationBackend`."""
