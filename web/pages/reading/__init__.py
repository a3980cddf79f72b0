"""What readers choose: saved stories, named lists, digests of a day or a week."""
