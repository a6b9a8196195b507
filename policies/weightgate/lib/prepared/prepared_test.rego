package weightgate.lib.prepared_test

import data.weightgate.lib.prepared

test_nothing_is_prepared_by_itself if prepared.values(null) == {}
