"""What a command leaves for a machine that runs it: a JUnit XML file and a summary in Markdown."""
