"""Parse a feed document into entries, in a child process with limits.

pool.ParserPool.parse                  hands documents to children, ends those that exceed their limits
    worker  (messages)                 the child: CPU and memory limits, then
        parser.parse
            fingerprints               what is unchanged since the last document is not read again
            xml.reader                 RSS, Atom, CDF: encodings, the fast reader, repair, feedparser
            json_feed                  JSON Feed
            dates, pictures            of each item
            diagnose                   what a document is that is no feed
            polling_hints              how the feed wants to be polled
            normalize                  drafts: plain titles, clean content, links (links)
            identity                   what each is recognised by
"""
