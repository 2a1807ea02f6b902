#include <algorithm>
#include <filesystem>

#include "base/digest.h"
#include "base/error.h"
#include "report/sections.h"
#include "report/table.h"
#include "report/words.h"

namespace verissim::report {
namespace {

namespace fs = std::filesystem;

// As a word of a shell's command.
std::string quoted(const std::string& word) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-/,=+:").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), plain)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string setting(const Run& run, const std::string& name) {
  for (const auto& [key, value] : run.settings) {
    if (key == name) return value;
  }
  return "";
}

bool has_file(const Run& run, const std::string& name) {
  return !name.empty() && fs::is_regular_file(run.file(name));
}

// Of the reference with this number, from 0: its exact values, or else its picture.
std::string reference_file(const Run& run, const Number& number) {
  const std::string stem = run.reference_stem(number);
  for (const char* ending : {".npy", ".png"})
    if (has_file(run, stem + ending)) return stem + ending;
  return run.reference;
}

// As options take it.
std::string dimension(const Run& run) {
  return std::to_string(run.input.channels) + "," + std::to_string(run.input.height) + "," +
         std::to_string(run.input.width);
}

// The command that asks the run's question, around one of its references, about a network in its folder.
std::string question_command(const Run& run, const std::string& model, size_t i) {
  const std::string measure = run.measure.empty() ? "ssim" : run.measure;
  const bool known = i < run.references.size() && run.references[i].label;
  std::string text = "verissim verify --model " + quoted(model) + " --image " +
                     quoted(reference_file(run, static_cast<double>(i))) + " --class " +
                     whole(known ? run.references[i].label : run.label) + " --" + measure + " " +
                     (known ? run.references[i].threshold : run.threshold) + " --dimension " + dimension(run);
  if (setting(run, "minlp.channels") == "mean") text += " --channels mean";
  if (setting(run, "minlp.eight_bit") == "true") text += " --eight-bit";
  if (setting(run, "minlp.arithmetic") == "float32") text += " --arithmetic float32";
  return text;
}

const CounterexampleFacts* last_counterexample(const Run& run) {
  for (auto round = run.rounds.rbegin(); round != run.rounds.rend(); ++round) {
    if (!round->counterexamples.empty()) return &round->counterexamples.front();
  }
  return nullptr;
}

std::string proved(const Run& run) {
  const std::string network = run.final_network ? "For the network in " + run.final_network->file + ": "
                                                : "For the network verified: ";
  const std::string whose =
      run.has_several() ? "that reference's class" : "class " + run.class_name(run.label);
  return network + (run.claim.empty() ? "every image of the neighbourhood" : run.claim) + " gets " + whose +
         (setting(run, "minlp.arithmetic") == "float32" ? " in every evaluation by float32" : "") +
         ". Its score is strictly the highest for all of these images, of which there "
         "are infinitely many, by at least " +
         number(run.margin_bound) +
         ". This was shown by arithmetic with outward rounding, without any tolerance.";
}

std::string refuted(const Run& run) {
  const CounterexampleFacts* found = last_counterexample(run);
  return std::string(
             "Proved is the contrary: the network that was kept gives another class to an image of ") +
         (run.has_several() ? "a reference's neighbourhood. " : "the neighbourhood. ") +
         (found == nullptr
              ? std::string()
              : "The exact values of the last counterexample are in " + found->npy +
                    "; that it belongs to the neighbourhood and gets another class (or as high a score) "
                    "was decided in exact arithmetic.");
}

std::string left_open(const Run& run) {
  std::string text = "Nothing is proved and nothing refuted of the network kept: " + run.reason + ".";
  if (run.margin_bound) {
    text += " Certified is that the margin is at least " + number(run.margin_bound) +
            " for all images of the neighbourhood.";
  }
  return text;
}

void convention(Html& html, const Run& run) {
  if (!run.measure.empty() && run.measure != "ssim") return;
  html.element("p",
               "SSIM is by the convention '" + run.convention + "': " + run.convention_in_words +
                   "; (2 m m' + C1)(2 c + C2) / ((m² + m'² + C1)(v + v' + C2)) with means m, variances v and "
                   "the covariance c, C1 = 0.0001, C2 = 0.0009. Other conventions give other values for the "
                   "same images.");
}

void not_claimed(Html& html, const Run& run) {
  const bool float32 = setting(run, "minlp.arithmetic") == "float32";
  html.element("p", float32 ? "Nothing is claimed of other images, nor of programs that compute the network "
                              "otherwise than layer by layer in float32."
                            : "Nothing is claimed of other images, and how a machine rounds while it "
                              "evaluates the network is no part of the claim: the network is the function of "
                              "real numbers that its stored weights define.");
}

// For the independent checker, which reads the network and the reference that are named here.
std::string checker_command(const Run& run, const CertificateFacts& certificate) {
  return "verissim-check " + quoted(certificate.file) + " --model " + quoted(run.final_network->file) +
         " --image " + quoted(certificate.image) + " --class " + whole(certificate.label) + " --ssim " +
         certificate.threshold +
         (setting(run, "minlp.arithmetic") == "float32" ? " --arithmetic float32" : "") + " --dimension " +
         dimension(run) + "    # ACCEPTED: robust\n";
}

void certificates(Html& html, const Run& run) {
  std::string commands;
  std::string why_not;
  for (const CertificateFacts& each : run.certificates) {
    if (has_file(run, each.file)) commands += checker_command(run, each);
    if (each.file.empty() && why_not.empty()) why_not = each.why_not;
  }
  if (!commands.empty()) {
    html.element(
        "p",
        "The whole proof is in a certificate, which verissim-check goes through: a separate program that "
        "shares no code with the verifier and computes every bound again.");
    html.element("pre", commands);
  }
  if (!why_not.empty()) {
    html.element("p", std::string(commands.empty() ? "There is no certificate of the proof: "
                                                   : "Not every reference has a certificate: ") +
                          why_not + ".");
  }
}

void how_to_check(Html& html, const Run& run) {
  html.element("h3", "How to check it");
  html.element("p", "In the run's folder:");
  std::string commands;
  const size_t questions = std::max(run.references.size(), size_t{1});
  if (run.final_network) {
    commands += "sha256sum " + quoted(run.final_network->file) + "    # " + run.final_network->sha256 + "\n";
    for (size_t i = 0; i < questions; ++i)
      commands += question_command(run, run.final_network->file, i) + "    # exit code 20: robust\n";
  } else if (has_file(run, run.best_network)) {
    for (size_t i = 0; i < questions; ++i) commands += question_command(run, run.best_network, i) + "\n";
  }
  if (const CounterexampleFacts* found = last_counterexample(run); found != nullptr && !found->npy.empty()) {
    commands += "verissim ssim " + quoted(reference_file(run, found->reference)) + " " + quoted(found->npy) +
                "    # " + (run.convention.empty() ? "global" : run.convention) + ": " +
                number(found->ssim, 8) + "\n";
  }
  if (commands.empty()) commands = "verissim run params.json    # the settings of this run, once more\n";
  html.element("pre", commands);
  certificates(html, run);
}

void files_in_folder(Html& html, const Run& run) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(run.folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    // Pages are written from the rest, and events are still being written.
    if (entry->is_regular_file() && !name.ends_with(".html")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : names) {
    try {
      rows.push_back({name, sha256_of_file(run.file(name))});
    } catch (const InputError&) {
      rows.push_back({name, "cannot be read"});
    }
  }
  table(html, "Files in the folder when this page was written",
        {{"file", Cells::kText}, {"SHA-256", Cells::kLong}}, rows);
}

std::vector<std::vector<std::string>> rows_of(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : pairs) rows.push_back({name, value});
  return rows;
}

void inputs(Html& html, const Run& run) {
  std::vector<std::vector<std::string>> rows;
  for (const FileFacts& file : run.inputs) rows.push_back({file.role, file.path, file.sha256});
  table(html, "Inputs", {{"what", Cells::kText}, {"file", Cells::kLong}, {"SHA-256", Cells::kLong}}, rows);
}

void times(Html& html, const Run& run) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : run.times) rows.push_back({name, seconds(value)});
  table(html, "Time", {{"for", Cells::kText}, {"wall clock"}}, rows);
}

}  // namespace

void claim_section(Html& html, const Run& run) {
  const auto section = html.in("section");
  html.element("h2", "What was proved");
  html.element("p", run.verdict == "robust"       ? proved(run)
                    : run.verdict == "not robust" ? refuted(run)
                                                  : left_open(run));
  convention(html, run);
  not_claimed(html, run);
  how_to_check(html, run);
}

void settings_section(Html& html, const Run& run) {
  const auto section = html.in("section");
  html.element("h2", "Settings and digests");
  if (!run.command.empty()) {
    std::string line;
    for (const std::string& word : run.command) line += (line.empty() ? "" : " ") + quoted(word);
    html.element("pre", line + "\n");
  }
  table(html, "Settings as used, defaults filled in", {{"setting", Cells::kText}, {"value", Cells::kLong}},
        rows_of(run.settings));
  inputs(html, run);
  files_in_folder(html, run);
  times(html, run);
  table(html, "The program", {{"what", Cells::kText}, {"value", Cells::kLong}}, rows_of(run.build));
}

}  // namespace verissim::report
