"""The site for reader apps: the Google Reader API as FreshRSS, Miniflux and others offer it.

    request -> token -> `streams` selects stories -> `items` formats them -> JSON

Stories are items; categories and the named lists of feeds.yaml are feeds, each in a folder with its name. Read and
starred marks are stored per reader. Requests to change subscriptions or folders are refused, because feeds.yaml defines
them. Public descriptions of the protocol: the FreshRSS and Miniflux documentation, and
https://www.inoreader.com/developers/.
"""
