"""What a run leaves for CI systems: JUnit XML and a summary in Markdown."""
