package weightgate.lib.clock_test

import data.weightgate.lib.clock

test_the_time_given_is_the_time if {
	clock.now == "2026-11-23T10:00:00Z" with input as {"context": {"evaluated_at": "2026-11-23T10:00:00Z"}}
}

test_the_time_given_is_turned_into_utc if {
	clock.now == "2026-11-23T10:00:00Z" with input as {"context": {"evaluated_at": "2026-11-23T12:00:00+02:00"}}
}

test_the_time_is_shown_in_whole_seconds if {
	clock.now == "2026-11-23T10:00:00Z" with input as {"context": {"evaluated_at": "2026-11-23T10:00:00.5Z"}}
}

test_without_a_time_it_is_now if {
	clock.now_ns == 7 with input as {} with time.now_ns as 7
	clock.now_ns == 7 with input as {"context": {"evaluated_at": null}} with time.now_ns as 7
}

test_an_unreadable_time_is_no_time if {
	not clock.now_ns with input as {"context": {"evaluated_at": "yesterday"}}
}

test_a_date_is_its_first_second_in_utc if {
	clock.ns("2028-02-29") == clock.ns("2028-02-29T00:00:00Z")
	clock.ns("2028-02-29") == clock.ns("2028-02-29T01:00:00+01:00")
	clock.ns("2028-02-29T00:00:01Z") - clock.ns("2028-02-29") == 1000000000
}

test_what_is_no_time_is_undefined if {
	not clock.ns("2027-02-29")
	not clock.ns("soon")
	not clock.ns("")
}

test_days_and_hours_are_in_nanoseconds if {
	clock.ns("2026-11-23") - clock.ns("2026-11-20") == clock.days(3)
	clock.ns("2026-11-20T03:00:00Z") - clock.ns("2026-11-20") == clock.hours(3)
}
