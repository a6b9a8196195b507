# METADATA
# title: Clock
# description: The one place that knows the time, in UTC.
package weightgate.lib.clock

# METADATA
# description: The moment of the evaluation in nanoseconds. `input.context.evaluated_at` where it is given, else the time now.
now_ns := time.now_ns() if {
	_given == null
} else := time.parse_rfc3339_ns(_given)

_given := object.get(input, ["context", "evaluated_at"], null)

# METADATA
# description: The moment of the evaluation as RFC 3339.
now := time.format([now_ns, "UTC", "2006-01-02T15:04:05Z"])

# METADATA
# description: Nanoseconds of an RFC 3339 time, or of a date, which means 00:00:00Z of that day. Undefined for anything else.
ns(text) := time.parse_rfc3339_ns(concat("", [text, object.get({10: "T00:00:00Z"}, count(text), "")]))

# METADATA
# description: A number of days in nanoseconds.
days(number) := number * ((24 * 3600) * 1000000000)

# METADATA
# description: A number of hours in nanoseconds.
hours(number) := number * (3600 * 1000000000)
