"""Articles of Wikipedia: MediaWiki dumps, and extracts of them that others publish."""

from femtogpt.sources.wiki.wiki_source import Wiki

__all__ = ["Wiki"]
