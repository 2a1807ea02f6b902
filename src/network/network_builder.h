// Builds a network layer by layer from the arrays of a model file, and checks that they fit each other.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "network/layers.h"
#include "network/model_layout.h"
#include "network/network.h"

namespace verissim::network {

// Where the shape of a network's input is known from.
enum class InputSource {
  kGiven,     // by the caller
  kFile,      // from the file itself
  kFileName,  // "model_i1x28x28_..."
  kFlat,      // from the first Linear layer: only the number of values is known, the shape is 1 x 1 x n
};

struct InputHint {
  std::optional<Shape> given;      // must fit the network
  std::optional<Shape> from_name;  // is taken if it fits
};

struct ConvSettings {
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_h = 0, pad_w = 0;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t groups = 1;
};

// A layer's arrays as the file holds them; bias is null if the layer has none.
struct LayerTensors {
  const NamedTensor* weight = nullptr;
  const NamedTensor* bias = nullptr;
};

// Each layer reads the one before. All methods throw InputError naming the file and the keys or layers when
// sizes do not fit, or a weight is not finite.
class NetworkBuilder {
 public:
  NetworkBuilder(std::string file, InputHint hint);

  // weight: out x in; bias: out.
  void linear(const std::string& name, const LayerTensors& tensors);
  // weight: out channels x in channels / groups x kh x kw; bias: out channels.
  void conv2d(const std::string& name, const LayerTensors& tensors, const ConvSettings& settings);
  void relu(const std::string& name);
  void flatten();
  // A layer made of several nodes, or with weights that are not in the file: `make` gets the last values, of
  // shape [1, channels, height, width] or [1, n], and gives the layer's. Its arrays are kept in the layout.
  using Make = std::function<Signal(GraphBuilder&, const LayerSite&, const Signal&)>;
  void layer(const std::string& name, const std::vector<NamedTensor>& tensors, const Make& make);
  // Finite floating-point numbers, one for each of `count`.
  std::vector<double> numbers(const NamedTensor& named, int64_t count) const;
  // Channels of images, or the number of flat values; as `layer`, throws if they are not known.
  int64_t channels(const std::string& name);

  Network finish();
  // The slots of the arrays of all layers so far, in the order of the layers.
  const ModelLayout& layout() const { return layout_; }
  InputSource input_source() const { return input_source_; }
  // By the network's nodes, of arrays that tell where they lie.
  std::map<int, NodeTrace>& traces() { return traces_; }

 private:
  enum class Form { kUnknown, kImage, kFlat };

  void set_input(const Shape& shape, InputSource source);
  void set_flat_input(const NamedTensor& weight, int64_t count);
  void set_image_input(const std::string& name);
  void append(Op op, int64_t size, const std::string& name);
  void add_slots(const LayerTensors& tensors);
  std::vector<double> values(const NamedTensor& named) const;
  std::vector<double> bias_values(const NamedTensor* bias, int64_t count) const;
  Shape conv_output(const std::string& name, const Conv2d& conv, int64_t channels) const;

  std::string file_;
  InputHint hint_;
  Network network_;
  ModelLayout layout_;
  std::map<int, NodeTrace> traces_;
  InputSource input_source_ = InputSource::kFlat;
  Form form_ = Form::kUnknown;
  Shape shape_;             // of the last layer's output, if it is an image
  std::string last_layer_;  // the last layer with weights, for messages
  int64_t made_ = 0;        // numbers that layers have made
};

}  // namespace verissim::network
