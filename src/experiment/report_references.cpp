// What report.json says of the references and of the price of a repair, and the verdict in one sentence.
#include "base/error.h"
#include "experiment/report_json.h"

namespace verissim::experiment {
namespace {

Neighbourhood neighbourhood_of_reference(const Report& report, const ReferenceFacts& reference) {
  Neighbourhood result = neighbourhood_of(report.config);
  result.limit = reference.threshold;
  return result;
}

json optional_verdict(const std::optional<search::Result>& result) {
  return result ? verdict_json(*result) : json(nullptr);
}

json unseen_json(const Unseen& unseen) {
  if (unseen.images == 0) return nullptr;
  return {{"images", unseen.images},
          {"proved_before", unseen.proved_before},
          {"proved_after", unseen.proved_after},
          {"refuted_before", unseen.refuted_before},
          {"refuted_after", unseen.refuted_after}};
}

json classes_json(const Config& config, const std::vector<ClassAccuracy>& classes) {
  json result = json::array();
  for (size_t i = 0; i < classes.size(); ++i) {
    result.push_back({{"class_idx", i},
                      {"label", class_label(config, static_cast<int64_t>(i))},
                      {"images", classes[i].count},
                      {"before", classes[i].before},
                      {"after", classes[i].after}});
  }
  return result;
}

int64_t count_counterexamples(const Report& report) {
  int64_t count = 0;
  for (const Round& round : report.rounds) count += round.facts.points_added;
  return count;
}

// Of all verifications and repairs.
json seconds_json(const Report& report) {
  double attack = 0.0;
  double proof = 0.0;
  double training = 0.0;
  const auto add = [&](const search::Result& result) {
    attack += result.statistics.seconds_attack;
    proof += result.statistics.seconds - result.statistics.seconds_attack;
  };
  for (const Round& round : report.rounds) {
    attack += round.facts.seconds_exploring;
    training += round.facts.seconds - round.facts.seconds_exploring;
    if (round.facts.restarted) continue;
    for (const auto& each : round.facts.verifications) {
      if (each) add(*each);
    }
  }
  if (report.final_file) {
    for (const Proof& each : report.final_file->proofs) add(each.verification);
  }
  return {{"attack", attack}, {"proof", proof}, {"training", training}};
}

std::string rounds_of_repair(const Report& report) {
  int64_t repairs = 0;
  for (const Round& round : report.rounds) repairs += round.facts.repaired ? 1 : 0;
  return std::to_string(repairs) + (repairs == 1 ? " round" : " rounds") + " of repair";
}

std::string count_of(const Report& report, search::Verdict verdict) {
  int64_t count = 0;
  for (const ReferenceFacts& each : report.references) {
    const bool known = each.after.has_value();
    const search::Verdict of_it = known ? each.after->verdict : search::Verdict::kUnknown;
    count += of_it == verdict ? 1 : 0;
  }
  return std::to_string(count);
}

// "7 of 10 references proved, 2 refuted, 1 open"
std::string counts(const Report& report) {
  return count_of(report, search::Verdict::kRobust) + " of " + std::to_string(report.references.size()) +
         " references proved, " + count_of(report, search::Verdict::kNotRobust) + " refuted, " +
         count_of(report, search::Verdict::kUnknown) + " open";
}

}  // namespace

json weight_json(const std::vector<LayerChange>& changes) {
  json layers = json::array();
  for (const LayerChange& change : changes) {
    layers.push_back({{"layer", change.layer},
                      {"relative", finite(change.relative)},
                      {"largest", finite(change.largest)}});
  }
  return layers;
}

json verdict_json(const search::Result& result) {
  return {{"verdict", search::to_string(result.verdict)},
          {"reason", search::to_string(result.reason)},
          {"margin_bound", finite(result.margin_bound)},
          {"subproblems", result.statistics.nodes},
          {"seconds", result.statistics.seconds}};
}

json certificate_json(const Proof& proof) {
  return proof.certificate.empty() ? json(nullptr) : json(proof.certificate);
}

const Proof& weakest_proof(const FinalFile& file) {
  repair::Verifications all;
  for (const Proof& proof : file.proofs) all.emplace_back(proof.verification);
  return file.proofs[repair::weakest(all)];
}

json first_reference_json(const Report& report) {
  if (report.references.empty()) return nullptr;
  const ReferenceFacts& first = report.references.front();
  return {
      {"path", first.name}, {"class_idx", first.label}, {"label", class_label(report.config, first.label)}};
}

json references_json(const Report& report) {
  json result = json::array();
  for (size_t i = 0; i < report.references.size(); ++i) {
    const ReferenceFacts& each = report.references[i];
    const bool proved = report.final_file && i < report.final_file->proofs.size();
    const Proof proof = proved ? report.final_file->proofs[i] : Proof{};
    result.push_back(
        {{"path", each.name},
         {"file", each.file.empty() ? json(nullptr) : json(each.file)},
         {"test_index", each.test_index < 0 ? json(nullptr) : json(each.test_index)},
         {"class_idx", each.label},
         {"label", class_label(report.config, each.label)},
         {"threshold", each.threshold.text()},
         {"verdict_before", each.before ? json(search::to_string(each.before->verdict)) : json(nullptr)},
         {"verdict", each.after ? json(search::to_string(each.after->verdict)) : json(nullptr)},
         {"margin_bound", each.after ? finite(each.after->margin_bound) : json(nullptr)},
         {"before", optional_verdict(each.before)},
         {"after", optional_verdict(each.after)},
         {"scores", each.scores},
         {"scores_after", each.scores_after},
         {"certificate", certificate_json(proof)},
         {"no_certificate", proof.no_certificate.empty() ? json(nullptr) : json(proof.no_certificate)}});
  }
  return result;
}

json candidates_json(const std::vector<repair::Candidate>& candidates) {
  json result = json::array();
  for (const repair::Candidate& each : candidates)
    result.push_back({{"method", each.method}, {"step", each.step}, {"accuracy", each.accuracy}});
  return result;
}

json cost_json(const Report& report) {
  if (!report.cost) return nullptr;
  const Cost& cost = *report.cost;
  return {{"drawdown", finite(report.rounds.front().facts.accuracy_before - report.accuracy.value_or(0.0))},
          {"agreement", cost.agreement},
          {"classes", classes_json(report.config, cost.classes)},
          {"weight_changes", weight_json(cost.weight_changes)},
          {"counterexamples", count_counterexamples(report)},
          {"rounds", report.rounds.size()},
          {"seconds", seconds_json(report)},
          {"unseen_of_same_classes", unseen_json(cost.same_classes)},
          {"unseen_of_other_classes", unseen_json(cost.other_classes)}};
}

std::string claim(const Report& report) {
  if (report.references.empty()) return "";
  const ReferenceFacts& first = report.references.front();
  if (report.references.size() == 1)
    return every_image(neighbourhood_of_reference(report, first), first.name);
  const std::string many = std::to_string(report.references.size()) + " references";
  const bool ssim = neighbourhood_of(report.config).is_ssim();
  return ssim ? "every image whose SSIM to one of " + many + " is at least that reference's threshold"
              : "every image whose distance from one of " + many + " is at most that reference's threshold";
}

std::string sentence(const Report& report) {
  if (report.references.empty()) return "Unknown: " + report.reason + ".";
  const bool several = report.references.size() > 1;
  const std::string whole = claim(report) +
                            (several ? " gets that reference's class"
                                     : " gets class " + std::to_string(report.references.front().label)) +
                            by_arithmetic(neighbourhood_of(report.config));
  const std::string tail = several ? "; " + counts(report) + "." : "";
  if (report.verdict == search::Verdict::kRobust) {
    const std::string how = report.repaired ? "Repaired and robust: after " + rounds_of_repair(report) + " "
                                            : "Robust from the start: ";
    return how + whole + ".";
  }
  if (report.verdict == search::Verdict::kNotRobust) {
    return "Not repaired: " + report.reason + (several ? tail : "; not " + whole + ".");
  }
  return "Unknown: " + report.reason + (several ? tail : "; whether " + whole + " is open.");
}

}  // namespace verissim::experiment
