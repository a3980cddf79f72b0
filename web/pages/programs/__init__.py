"""Pages for programs that read text: Markdown and llms.txt."""
