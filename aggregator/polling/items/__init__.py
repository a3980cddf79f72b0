"""What becomes of the items of a document before they are stored: left out, or completed with their article."""
