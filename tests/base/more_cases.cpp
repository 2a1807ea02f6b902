// These properties are cheap: 2,000 cases each unless RC_PARAMS says otherwise.
#include <cstdlib>

namespace {

[[maybe_unused]] const int kMoreCases = ::setenv("RC_PARAMS", "max_success=2000", 0);

}  // namespace
