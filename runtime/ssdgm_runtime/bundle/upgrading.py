"""What a manifest of format 1 says, as format 2 has it; loaded for bundles of format 1."""

from ssdgm_runtime import jsonfile


def upgraded(section: jsonfile.Json) -> jsonfile.Json:
    """The section of ours: labels were always classes, in three fields next to one another.

    Raises:
        FormatError: One of the three is missing or no list.
    """
    fields = {"names": "labels", "values": "classes", "prior": "prior"}
    lists = {new: jsonfile.get(section, old, list) for new, old in fields.items()}
    kept = {key: value for key, value in section.items() if key not in ("classes", "prior")}
    return {**kept, "labels": {"space": "classes", **lists}}
