# METADATA
# title: Prepared
# description: |
#   What is the same for every document. Whoever decides many has it worked out once, and evaluates each decision
#   `with data.weightgate.lib.prepared.values as …` it: an object by the `key` of each package, which is all that the value
#   depends on. What is not found there is worked out where it is needed.
package weightgate.lib.prepared

# METADATA
# description: Nothing, unless it is replaced. (A function, because OPA copies replaced data whole for each decision.)
values(_) := {}
