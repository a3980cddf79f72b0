"""Group entries into stories, online and in order of arrival."""
