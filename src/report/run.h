// What a run's folder tells, read from its report.json and the images beside it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/shape.h"

namespace verissim::report {

using Number = std::optional<double>;  // nothing: not known, or not finite

// A search's course. All lists have the same length.
struct Trace {
  std::vector<double> seconds;
  std::vector<double> subproblems;
  std::vector<double> open;
  std::vector<Number> bound;  // the weakest open lower bound, not certified
  std::vector<Number> seen;   // the smallest margin seen
};

struct SearchFacts {
  Number subproblems;
  Number leaves;
  Number relus;
  Number stable_relus;
  Number seconds_attack;
  Number seconds_root;
  Number seconds_search;
  Number seconds;
  Trace trace;
};

struct LayerChange {
  std::string name;
  Number relative;  // norm of the change / norm of the weights before
  Number largest;   // change of one weight
};

// Of one reference among several.
struct ReferenceFacts {
  std::string path;  // as the user named it
  std::string file;  // its image in the folder, "" if there is none
  Number label;
  std::string threshold;
  std::string verdict_before;
  std::string verdict;
  Number margin_bound;
};

// On the test images of one class.
struct ClassFacts {
  Number label;  // the output
  Number images;
  Number before;
  Number after;
};

// Verdicts around images that no repair has seen.
struct UnseenFacts {
  std::string which;
  Number images;
  Number proved_before;
  Number proved_after;
  Number refuted_before;
  Number refuted_after;
};

struct CostFacts {
  Number agreement;
  std::vector<ClassFacts> classes;
  std::vector<UnseenFacts> unseen;
  std::vector<LayerChange> layers;  // from the first network to the one kept
};

// A network that was proved for all references.
struct CandidateFacts {
  std::string method;
  Number step;
  Number accuracy;
};

struct CounterexampleFacts {
  std::string npy;  // names of files in the folder, "" if there is none
  std::string png;
  Number reference;  // its number among the references, from 0
  Number rival;
  Number margin;
  Number margin_after;  // by the network that was kept
  Number ssim;
  Number distance;
  Number deviation;
  std::optional<bool> png_is_one;  // whether the PNG still is a counterexample
};

struct RepairFacts {
  std::string method;
  Number margin_wanted;
  Number added;
  Number points;
  Number left;
  Number epochs;
  Number seconds;
  std::vector<LayerChange> layers;
};

struct RoundFacts {
  Number number;
  std::string verdict;
  std::string reason;
  Number reference;                   // of several the weakest, which the search is about; from 0
  std::vector<std::string> verdicts;  // of all references, where there are several
  Number margin_bound;
  SearchFacts search;
  Number found;  // counterexamples, also those without files
  std::vector<CounterexampleFacts> counterexamples;
  std::optional<RepairFacts> repair;
  Number accuracy_before;
  Number accuracy_after;
};

struct FinalFacts {
  std::string file;
  std::string sha256;
  SearchFacts search;
};

// Of the final network's proof around one reference.
struct CertificateFacts {
  std::string file;     // "" if there is none
  std::string why_not;  // then a clause, if one is known
  std::string image;    // the reference's PNG in the folder, or its file
  Number label;
  std::string threshold;
};

struct FileFacts {
  std::string role;
  std::string path;
  std::string sha256;
};

struct Run {
  std::string folder;
  std::string name;  // the folder's last part
  bool finished = false;
  std::string verdict;
  std::string reason;
  std::string sentence;  // the verdict in one sentence
  std::string claim;     // "every image whose SSIM to 3.png is at least 0.98"
  Number margin_bound;
  Number accuracy_before;
  Number accuracy_after;

  std::vector<ReferenceFacts> references;
  std::vector<CandidateFacts> candidates;
  std::optional<CostFacts> cost;
  std::string reference;        // the first one's file, as the config names it
  Number label;                 // the network's output that must win
  std::vector<Number> classes;  // the data set's label of each output
  std::string measure;
  std::string threshold;
  std::string convention;
  std::string convention_in_words;

  Shape input;
  Number outputs;
  Number relus;
  Number parameters;
  std::vector<Number> scores_before;  // of the reference
  std::vector<Number> scores_after;
  bool trained = false;
  std::string training_library;

  std::vector<RoundFacts> rounds;
  std::optional<FinalFacts> final_network;
  std::vector<CertificateFacts> certificates;  // one for each reference
  std::string best_network;

  std::vector<std::pair<std::string, Number>> times;
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<std::pair<std::string, std::string>> build;
  std::vector<FileFacts> inputs;
  std::vector<std::string> command;
  std::string started;

  // The name with the label of the data set, where that differs: "2 (label 5)".
  std::string class_name(const Number& output) const;
  std::string file(const std::string& file_name) const { return folder + "/" + file_name; }
  bool has_several() const { return references.size() > 1; }
  // Of the reference with this number: the name of its image in the folder without the ending.
  std::string reference_stem(const Number& place) const;
};

// Throws InputError if the folder has no report.json, or that is no report. What it does not tell (older
// versions tell less) stays empty.
Run read_run(const std::string& folder);

// The values of an image in the folder, C x H x W, from its NPY file or else its PNG; empty if neither can be
// read as an image of this shape.
std::vector<double> read_values(const Run& run, const std::string& npy, const std::string& png);

}  // namespace verissim::report
