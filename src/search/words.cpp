#include "base/error.h"
#include "search/verify.h"

namespace verissim::search {

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kRobust:
      return "robust";
    case Verdict::kNotRobust:
      return "not robust";
    case Verdict::kUnknown:
      return "unknown";
  }
  VERISSIM_CHECK(false);
}

const char* to_string(Reason reason) {
  switch (reason) {
    case Reason::kProved:
      return "proved";
    case Reason::kCounterexample:
      return "counterexample found";
    case Reason::kReferenceMisclassified:
      return "the reference image itself is misclassified";
    case Reason::kTimeLimit:
      return "time limit reached";
    case Reason::kNodeLimit:
      return "limit on subproblems reached";
    case Reason::kMemoryLimit:
      return "memory limit reached";
    case Reason::kInterrupted:
      return "interrupted";
    case Reason::kNoEightBit:
      return "there is a counterexample, but none was found that is an image of 8 bits";
    case Reason::kNoFloat32:
      return "there is a counterexample in real arithmetic, but none was found that every evaluation in "
             "float32 "
             "gets wrong";
    case Reason::kBoundary:
      return "boundary: neither side can be shown within the tolerance";
  }
  VERISSIM_CHECK(false);
}

}  // namespace verissim::search
