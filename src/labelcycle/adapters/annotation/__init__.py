"""Annotation backends, one module each; see `labelcycle.adapters.ports.AnnotationBackend`."""
