# METADATA
# title: Files
# description: |
#   The model's files, gone through once for all rules. Rules then ask about formats and sets of paths, which are few, and not
#   about each file.
package weightgate.lib.files

# METADATA
# description: The paths of the files of each format. A file without path or format is left out.
by_format := {format: paths | some format, paths in _by_format}

# METADATA
# description: The paths of all files that have a path and a format.
paths := union({paths | some paths in by_format})

# METADATA
# description: Whether each file has a path and a format, both text, and no two have one path.
sound if {
	count(paths) == count(input.model.files)

	# NOTE: text is sorted behind numbers and before lists, so between two texts everything is text.
	is_string(min(paths))
	is_string(max(paths))
	is_string(min(_formats))
	is_string(max(_formats))
}

sound if input.model.files == []

_formats := object.keys(by_format)

# NOTE: whole above, because it is worked out once then; a partial rule that is asked key by key is worked out per key.
_by_format[file.format] contains file.path if some file in input.model.files
