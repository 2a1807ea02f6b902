#include "experiment/cost.h"

#include <algorithm>
#include <span>

#include "experiment/engine_options.h"
#include "experiment/question.h"
#include "search/verify.h"
#include "train/forward.h"

namespace verissim::experiment {
namespace {

std::vector<int64_t> classes_given(const network::Network& network, const train::Samples& samples) {
  const std::vector<float> scores = train::scores(network, std::span(samples.images));
  const auto outputs = static_cast<size_t>(network.outputs());
  std::vector<int64_t> result(static_cast<size_t>(samples.count()));
  for (size_t i = 0; i < result.size(); ++i) {
    const float* row = scores.data() + i * outputs;
    result[i] = std::max_element(row, row + outputs) - row;
  }
  return result;
}

bool holds(const std::vector<int64_t>& values, int64_t value) {
  return std::count(values.begin(), values.end(), value) > 0;
}

// Verifies one network around one image.
search::Verdict verdict_at(const network::Network& network, const image::Image& image, int64_t label,
                           const Config& config, double seconds, const StopToken& stop) {
  const Question question = make_question(network, image, label, neighbourhood_of(config));
  search::Options options = search_options(config);
  options.timeout_seconds = seconds;
  options.certify_open = false;
  return search::verify(question.problem(), options, stop, nullptr).verdict;
}

}  // namespace

Cost measure_cost(const network::Network& before, const network::Network& after, const train::Samples& test) {
  const std::vector<int64_t> first = classes_given(before, test);
  const std::vector<int64_t> second = classes_given(after, test);
  Cost cost;
  cost.classes.resize(static_cast<size_t>(before.outputs()));
  int64_t same = 0;
  for (size_t i = 0; i < first.size(); ++i) {
    ClassAccuracy& of_class = cost.classes[static_cast<size_t>(test.labels[i])];
    ++of_class.count;
    of_class.before += first[i] == test.labels[i] ? 1 : 0;
    of_class.after += second[i] == test.labels[i] ? 1 : 0;
    same += first[i] == second[i] ? 1 : 0;
  }
  for (ClassAccuracy& each : cost.classes) {
    const auto count = static_cast<double>(std::max<int64_t>(1, each.count));
    each.before /= count;
    each.after /= count;
  }
  cost.agreement = static_cast<double>(same) / static_cast<double>(first.size());
  cost.weight_changes = weight_changes(before, after);
  return cost;
}

Unseen measure_unseen(const network::Network& before, const network::Network& after,
                      const train::Samples& test, const std::vector<int64_t>& seen,
                      const std::vector<int64_t>& classes, bool of_these_classes, int64_t count,
                      const Config& config, double seconds, const StopToken& stop) {
  Unseen result;
  const std::vector<int64_t> given = classes_given(before, test);
  for (int64_t i = 0; i < test.count() && result.images < count && !stop.stop_requested(); ++i) {
    const int64_t label = test.labels[static_cast<size_t>(i)];
    if (holds(seen, i) || holds(classes, label) != of_these_classes) continue;
    if (given[static_cast<size_t>(i)] != label) continue;
    const image::Image image{test.shape, {test.image(i).begin(), test.image(i).end()}};
    const search::Verdict first = verdict_at(before, image, label, config, seconds, stop);
    const search::Verdict second = verdict_at(after, image, label, config, seconds, stop);
    if (stop.interrupted()) break;  // they might have been decided
    ++result.images;
    result.proved_before += first == search::Verdict::kRobust ? 1 : 0;
    result.proved_after += second == search::Verdict::kRobust ? 1 : 0;
    result.refuted_before += first == search::Verdict::kNotRobust ? 1 : 0;
    result.refuted_after += second == search::Verdict::kNotRobust ? 1 : 0;
  }
  return result;
}

}  // namespace verissim::experiment
