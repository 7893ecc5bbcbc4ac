"""What the program writes into documents: marked blocks in Markdown files, and a page for each model."""
