"""What a reader chooses: saved stories, named lists, digests of a day or a week."""
