// Random questions with their files, certificates of them, and the checker as a process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/temporary_folder.h"
#include "certificate/writer.h"
#include "checker/onnx_writer.h"
#include "cli/process.h"
#include "image/write_image.h"
#include "network/model_file.h"
#include "search/problems.h"
#include "support/shared_data.h"

namespace verissim::testing {

// A question whose network and image are files in a folder of their own.
struct FiledQuestion {
  std::unique_ptr<TemporaryFolder> folder = std::make_unique<TemporaryFolder>();
  Question question;
  Shape shape;
  std::string threshold;
  int64_t label = 0;

  std::string model_name = "model.pt";

  void ask_in_float32() { question.net.arithmetic = network::Arithmetic::kFloat32; }
  bool in_float32() const { return question.net.arithmetic == network::Arithmetic::kFloat32; }

  std::string model() const { return folder->file(model_name); }
  std::string image() const { return folder->file("image.png"); }
  std::string certificate() const { return folder->file("proof.cert"); }

  certificate::Subject subject() const {
    return {sha256_of_file(model()),
            certificate::checksum_of_file(model()),
            shape,
            to_floats(question.hood.reference),
            label,
            question.net.outputs(),
            in_float32() ? "ssim in float32" : "ssim",
            threshold};
  }
};

// Names that a state_dict tells apart.
inline void save(const std::string& file, network::Network net) {
  for (size_t i = 0; i < net.nodes.size(); ++i) net.nodes[i].name = "layers." + std::to_string(i);
  network::save_model(file, net);
}

inline FiledQuestion filed(Rng& rng, int64_t height, int64_t width, const std::vector<int64_t>& hidden,
                           const std::string& threshold, double scale = 1.0) {
  FiledQuestion q;
  q.shape = {1, height, width};
  q.threshold = threshold;
  save(q.model(), random_mlp(rng, q.shape.size(), hidden, static_cast<int64_t>(2 + rng.below(3)), scale));
  network::Network net = network::load_model(q.model(), q.shape).network;  // as the file has it
  q.question =
      question(std::move(net), random_reference(rng, static_cast<size_t>(q.shape.size())), threshold);
  q.label = predicted(q.question.net, q.question.hood.reference);
  image::write_png(q.image(), {q.shape, to_floats(q.question.hood.reference)});
  return q;
}

// A convolutional network for colour images, in ONNX.
inline FiledQuestion filed_onnx(Rng& rng, int64_t size, int64_t channels, bool residual,
                                const std::string& threshold, const std::string& pool = "AveragePool",
                                bool float32 = false) {
  FiledQuestion q;
  q.model_name = "model.onnx";
  q.shape = {3, size, size};
  q.threshold = threshold;
  const std::string bytes = OnnxWriter(rng, float32).convolutional(size, channels, 3, residual, pool);
  write_file(q.model(), std::as_bytes(std::span(bytes)));
  network::Network net = network::load_model(q.model(), q.shape).network;
  q.question =
      question(std::move(net), random_reference(rng, static_cast<size_t>(q.shape.size())), threshold);
  if (float32) q.ask_in_float32();
  q.label = predicted(q.question.net, q.question.hood.reference);
  image::write_png(q.image(), {q.shape, to_floats(q.question.hood.reference)});
  return q;
}

// Verifies, with a recorder that passes on to the writer, and finishes the certificate.
struct Certified {
  search::Result result;
  std::optional<std::string> why_not;
};
inline Certified certify(const FiledQuestion& q, certificate::Writer& writer, search::Recorder& recorder,
                         int threads = 1) {
  search::Options options;
  options.threads = threads;
  options.node_limit = 3000;
  options.recorder = &recorder;
  Certified certified;
  certified.result = verify(q.question, options);
  certified.why_not = writer.finish(certified.result);
  return certified;
}
inline Certified certify(const FiledQuestion& q, int threads = 1) {
  certificate::Writer writer(q.certificate(), q.subject());
  return certify(q, writer, writer, threads);
}

inline std::vector<std::string> checker_with(const FiledQuestion& q, const std::string& file) {
  return {VERISSIM_CHECKER,
          file,
          "--model",
          q.model(),
          "--image",
          q.image(),
          "--class",
          std::to_string(q.label),
          "--ssim",
          q.threshold,
          "--arithmetic",
          q.in_float32() ? "float32" : "exact",
          "--dimension",
          std::to_string(q.shape.channels) + "," + std::to_string(q.shape.height) + "," +
              std::to_string(q.shape.width)};
}
inline Ended check(const FiledQuestion& q) { return Process(checker_with(q, q.certificate())).wait(); }

// Counts the layers whose neurons were coupled at the root.
struct RootLooker final : search::Recorder {
  explicit RootLooker(certificate::Writer& to) : writer(to) {}
  void on_root(const search::FrameProof& proof, const std::vector<region::Slab>& slabs,
               double enough) override {
    for (const search::LayerProof& layer : proof.layers) coupled += layer.coupled.empty() ? 0 : 1;
    writer.on_root(proof, slabs, enough);
  }
  void on_split(const search::Node& node, double middle) override { writer.on_split(node, middle); }
  void on_frame(const search::Node& node, const search::FrameProof& proof) override {
    writer.on_frame(node, proof);
  }
  void on_closed(const search::Node& node) override { writer.on_closed(node); }
  void on_gap() override { writer.on_gap(); }
  certificate::Writer& writer;
  int coupled = 0;
};

struct Tally {
  int robust = 0;
  int refuted = 0;
  int unknown = 0;
};

// What the checker says must be the verdict.
inline void expect_accepted(const FiledQuestion& q, Tally& tally, int threads = 1) {
  const Certified certified = certify(q, threads);
  if (certified.result.verdict == search::Verdict::kUnknown) {
    ++tally.unknown;
    EXPECT_TRUE(certified.why_not.has_value());
    EXPECT_FALSE(have(q.certificate()));
    return;
  }
  ASSERT_FALSE(certified.why_not.has_value()) << *certified.why_not;
  const bool robust = certified.result.verdict == search::Verdict::kRobust;
  ++(robust ? tally.robust : tally.refuted);
  const Ended ended = check(q);
  EXPECT_EQ(ended.code, robust ? 20 : 10) << ended.out << ended.err;
  EXPECT_EQ(ended.out.substr(0, robust ? 16 : 20), robust ? "ACCEPTED: robust" : "ACCEPTED: not robust")
      << ended.out;
}

}  // namespace verissim::testing
