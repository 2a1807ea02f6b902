// Verissim's public interface: proves or refutes that an image classifier is robust around an image.
//
// Robust means: every image x in [0,1]^n of the reference's neighbourhood gets the reference's class by a
// strictly larger score than every other class. The neighbourhood is { SSIM(x, reference) >= threshold }
// unless another one is asked for; SSIM is global: one window over all values of all channels. The network is
// the real-arithmetic function of its stored weights unless Settings say otherwise; the threshold is the
// decimal number as written.
// "Robust" rests on outward-rounded arithmetic, "not robust" on a counterexample confirmed exactly.
//
// Shapes: images are flat in channel, row, column order, values in [0, 1].
// Errors: wrong input throws verissim::Error, one line that says what was given and what was wanted.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace verissim {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Dimension {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;

  int64_t size() const { return channels * height * width; }
};

struct Picture {
  Dimension dimension;
  std::vector<float> values;
  std::string file{};  // that it was read from, if it was
};

class Model {
 public:
  // An ONNX file, a PyTorch file (.pt) or safetensors. The dimension of the input is what the file or its
  // name says
  // ("model_i1x4x4_l6-6-6_o5.pt"), unless it is given.
  static Model load(const std::string& file, const std::optional<Dimension>& input = std::nullopt);

  Dimension input() const;
  int64_t classes() const;
  int64_t relus() const;
  // Scores of all classes at the picture, rounded to nearest.
  std::vector<double> scores(const Picture& picture) const;

  // Writes the network in the format of the file that it came from, with its keys and its architecture. The
  // file's ending must fit.
  void save(const std::string& file) const;

  struct Data;  // known to the library only
  const Data& data() const { return *data_; }
  explicit Model(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

 private:
  std::shared_ptr<const Data> data_;
};

// A PNG, PPM or NPY file, resized to the dimension as Pillow does it (bilinear).
Picture load_picture(const std::string& file, const Dimension& dimension);

enum class Verdict { kRobust, kNotRobust, kUnknown };
const char* to_string(Verdict verdict);  // "robust", "not robust", "unknown"

struct Counterexample {
  std::vector<double> values;  // exact
  int64_t rival = -1;          // the class that it gets, or that ties with the reference's
  double margin = 0.0;         // score of the reference's class less the rival's, at most 0
  double ssim = 0.0;           // by the neighbourhood's convention
  double distance = 0.0;       // from the reference, where the neighbourhood is by distance
};

enum class Measure {
  kSsim,         // global SSIM over all values of all channels together
  kChannelSsim,  // mean over the channels of each channel's global SSIM; 1 to 3 channels
  kLinf,         // largest difference of a value
  kL2            // Euclidean distance
};

// The images of [0,1]^n whose SSIM to the reference is at least the limit, or whose distance is at most it.
// The limit is a decimal number as text, since 0.98 is no binary number: above 0 and at most 1 for SSIM, at
// least 0 for distances.
struct Neighbourhood {
  Measure measure = Measure::kSsim;
  std::string limit;

  Neighbourhood(Measure what, std::string value) : measure(what), limit(std::move(value)) {}
  // A text alone is a threshold of the joint SSIM.
  Neighbourhood(std::string threshold) : limit(std::move(threshold)) {}  // NOLINT: meant to convert
  Neighbourhood(const char* threshold) : limit(threshold) {}             // NOLINT: meant to convert
};

// Which computations of the network's scores a question is about.
enum class Arithmetic {
  kExact,   // real arithmetic on the stored weights
  kFloat32  // every evaluation in IEEE 754 single precision, whatever the order of its sums
            // (docs/soundness.md)
};

// Ends work from another thread or a signal handler.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  void set() noexcept;

  struct Flag;  // known to the library only
  const Flag& flag() const { return *flag_; }

 private:
  std::unique_ptr<Flag> flag_;
};

struct Settings {
  double timeout_seconds = 0.0;  // <= 0: none
  int threads = 0;               // <= 0: as many as the machine offers
  uint64_t seed = 1;
  int tolerance_digits = 6;  // unknown is said when the gap left is below 10^-tolerance_digits
  uint64_t memory_limit_bytes = UINT64_C(4) << 30;
  // Only images of 8 bits (every value k/255 as float32) count as counterexamples; the answer is unknown when
  // there is another one, but none of these was found.
  bool eight_bit = false;
  // Error where it is not known how programs compute the network in float32.
  Arithmetic arithmetic = Arithmetic::kExact;
  const Interrupt* interrupt = nullptr;  // the answer is unknown soon after it was set
  // If not empty: the file into which verify() writes its proof, or the counterexample, for verissim-check.
  // For pictures that load_picture read from a PNG; Error says before the search where there are no
  // certificates.
  std::string certificate;
};

struct Answer {
  Verdict verdict = Verdict::kUnknown;
  std::string reason;
  // Robust and unknown: a certified lower bound of the smallest margin over all images in question, -infinity
  // if none was reached. Not robust: the counterexample's margin.
  double margin_bound = 0.0;
  std::optional<Counterexample> counterexample;
  int64_t subproblems = 0;
  double seconds = 0.0;
  std::string no_certificate;  // why none was written although one was wanted
};

// label: the reference's class, counted from 0.
Answer verify(const Model& model, const Picture& reference, int64_t label, const Neighbourhood& neighbourhood,
              const Settings& settings = {});

// Only looks for a counterexample; nothing is proved if none is found.
std::optional<Counterexample> find_counterexample(const Model& model, const Picture& reference, int64_t label,
                                                  const Neighbourhood& neighbourhood,
                                                  const Settings& settings = {});

// How far robustness reaches around a reference. Robust for every threshold of SSIM of at least proved_at
// (for every distance of at most it), and for none of at most refuted_at (of at least it).
struct Threshold {
  std::string proved_at;   // decimal numbers; empty if nothing was proved or refuted
  std::string refuted_at;  // 1 (0 for distances) if the reference itself does not get its class
  std::optional<Counterexample> closest;  // in the neighbourhood of refuted_at
  std::string reason;                     // why it ended
  int64_t questions = 0;                  // searches
  int64_t subproblems = 0;                // of all of them
  double seconds = 0.0;
};

// Narrows both sides until 1 - SSIM (or the distance) of refuted_at exceeds that of proved_at by at most the
// share `gap`, 0.001 to 1, or the settings' time is over, or it is interrupted; what was shown by then is the
// result. Not for images of 8 bits alone.
Threshold find_threshold(const Model& model, const Picture& reference, int64_t label,
                         Measure measure = Measure::kSsim, const Settings& settings = {}, double gap = 0.01);

// What repair_model() is to make robust.
struct Reference {
  Picture picture;
  int64_t label = 0;
  Neighbourhood neighbourhood;
};

// Labelled pictures. Shapes: images count x dimension.size(), values in [0, 1]; labels count, in [0, classes
// of the model).
struct Samples {
  Dimension dimension;
  std::vector<float> images;
  std::vector<int64_t> labels;
};

struct RepairSettings {
  std::string method = "auto";     // or one of those that `verissim repair --help` names
  double timeout_seconds = 600.0;  // for changing networks, verification not counted; <= 0: none
  double budget_seconds = 0.0;     // for everything; <= 0: none
  double min_accuracy = 0.0;       // on the test pictures; what has less is no result
  double margin = 0.01;            // by which counterexamples must be won at first
  int64_t max_rounds = 100;
  double learning_rate = 0.001;
  int64_t batch_size = 64;
  double keep_outputs = 0.0;    // weight of the squared distance to the original outputs
  double keep_weights = 0.0;    // weight of the squared distance to the original weights
  std::vector<int64_t> layers;  // that may change, counted from 1; empty: all
};

struct Repaired {
  // All references were proved for `model`, with the accuracy demanded. Otherwise `model` is the network that
  // came nearest.
  bool robust = false;
  std::string reason;           // one clause
  std::vector<Answer> answers;  // of `model`, one for each reference
  Model model;
  int64_t rounds = 0;  // repairs
  double accuracy_before = 0.0;
  double accuracy_after = 0.0;
};

// Changes the network until it is provably robust around all references. `training` keeps the accuracy,
// `test` only measures it. Needs LibTorch, which is loaded when the network has to be changed by training.
// Whoever saves the model should verify what load() reads back: numbers may be rounded on the way to the
// file.
Repaired repair_model(const Model& model, const std::vector<Reference>& references, const Samples& training,
                      const Samples& test, const RepairSettings& repairing = {},
                      const Settings& settings = {});

// convention: "global" or another of the names that `verissim ssim` lists. The pictures' dimensions must
// agree.
double ssim(const Picture& a, const Picture& b, const std::string& convention = "global");

}  // namespace verissim
