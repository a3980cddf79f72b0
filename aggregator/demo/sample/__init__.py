"""The sample edition itself, as data: read by `aggregator.demo.edition`."""
