"""The stages of the stream, one a module: plain objects that `stream.app` puts behind Faust agents."""
