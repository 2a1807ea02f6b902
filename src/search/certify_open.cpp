#include "search/certify_open.h"

#include <algorithm>
#include <limits>

#include "base/stop.h"

namespace verissim::search {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kChunk = 32;
constexpr double kSeconds = 1.0;

// What is proved of open nodes may have been proved with an ancestor's numbers, which are gone.
void record(const std::vector<Node>& nodes, Expander& expander, Recorder& recorder) {
  for (Node node : nodes) {
    if (!(node.certified > 0.0)) continue;
    node.certified = -kInfinity;
    std::vector<Node> alone = {node};
    expander.certify(alone);
    if (alone.front().certified > 0.0) {
      recorder.on_closed(node);
    } else {
      recorder.on_gap();
    }
  }
}

}  // namespace

double certify_open(std::vector<Node> open, Expander& expander, Recorder* recorder) {
  std::sort(open.begin(), open.end(), [](const Node& a, const Node& b) { return a.certified < b.certified; });
  const Stopwatch watch;
  double bound = kInfinity;
  for (size_t i = 0; i < open.size(); i += kChunk) {
    std::vector<Node> part(open.begin() + static_cast<long>(i),
                           open.begin() + static_cast<long>(std::min(open.size(), i + kChunk)));
    if (watch.seconds() < kSeconds) expander.certify(part);
    if (recorder != nullptr) record(part, expander, *recorder);
    for (const Node& node : part) bound = std::min(bound, node.certified);
  }
  return bound;
}

}  // namespace verissim::search
