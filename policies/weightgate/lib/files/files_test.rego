package weightgate.lib.files_test

import data.weightgate.lib.files
import data.weightgate.lib.fixtures_test as fixtures

_file(path, format) := {"path": path, "format": format}

_with(list) := {"model": {"files": list}}

test_paths_are_sorted_into_formats if {
	document := _with([_file("a", "pickle"), _file("b", "json"), _file("c", "pickle")])
	by_format := files.by_format with input as document
	by_format == {"pickle": {"a", "c"}, "json": {"b"}}
	paths := files.paths with input as document
	paths == {"a", "b", "c"}
	files.sound with input as document
}

test_no_file_is_sound if {
	files.sound with input as _with([])
	paths := files.paths with input as _with([])
	paths == set()
}

test_a_file_without_path_or_format_is_left_out_and_unsound if {
	every file in [{"path": "b"}, {"format": "json"}, "b", null] {
		document := _with([_file("a", "pickle"), file])
		paths := files.paths with input as document
		paths == {"a"}
		not files.sound with input as document
	}
}

test_what_is_no_text_is_unsound if {
	every value in [null, true, 0, [], {}, ["b"]] {
		not files.sound with input as _with([_file(value, "pickle")])
		not files.sound with input as _with([_file("a", value)])
		not files.sound with input as _with([_file("a", "pickle"), _file(value, "pickle"), _file("c", "pickle")])
		not files.sound with input as _with([_file("a", "a"), _file("b", value), _file("c", "c")])
	}
}

test_two_files_with_one_path_are_unsound if {
	not files.sound with input as _with([_file("a", "pickle"), _file("a", "json")])
}

test_without_a_list_of_files_nothing_is_sound if {
	every document in [{}, _with(null), _with("a"), {"model": null}] {
		not files.sound with input as document
	}
	files.sound with input as fixtures.document
}
