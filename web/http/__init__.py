"""HTTP around the pages: headers, page cache, database access, visit counts."""
