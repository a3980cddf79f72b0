"""Parse a feed document into entries, in a child process with limits.

pool.ParserPool.parse                  hands documents to children, ends those that exceed their limits
    worker  (messages)                 the child: CPU and memory limits, then
        parser.parse
            fingerprints               skip items that have not changed since the last document
            xml.reader                 RSS, Atom, CDF: encodings, the fast reader, repair, feedparser
            json_feed                  JSON Feed
            dates, pictures            of each item
            diagnose                   what a document is if it is not a feed
            polling_hints              what the document says about polling it
            normalize                  drafts: plain titles, clean content, links (links)
            identity                   the key that recognises each item
"""
