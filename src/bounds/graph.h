// The network as the bounding engine sees it: float32 weights, ReLU neurons numbered through.
//
// Shapes: a batch of values of a layer is rows x layer.size. All ReLU neurons of the network are numbered 0
// .. N - 1, layer by layer; "a ReLU array" is rows x N, and layer.offset is where a ReLU layer's neurons
// begin in it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bounds/coupling.h"
#include "network/conv_kernel.h"
#include "network/network.h"

namespace verissim::bounds {

enum class LayerKind { kInput, kDense, kConv, kRelu, kAdd, kGather };

struct Layer {
  LayerKind kind = LayerKind::kInput;
  std::vector<int> inputs;
  int64_t size = 0;
  int64_t offset = 0;         // of a ReLU layer's first neuron among all ReLU neurons
  std::vector<float> weight;  // of a dense layer
  std::vector<float> bias;    // expanded to size values; empty if the layer has none
  std::shared_ptr<const network::ConvKernel<float>> kernel;  // of a dense or convolutional layer
  const network::Gather* gather = nullptr;
};

class Graph {
 public:
  // The network must outlive the graph.
  explicit Graph(const network::Network& network);

  const std::vector<Layer>& layers() const { return layers_; }
  const Layer& layer(int index) const { return layers_[static_cast<size_t>(index)]; }
  const std::vector<int>& relus() const { return relus_; }  // the ReLU layers' indices
  int64_t inputs() const { return layers_.front().size; }
  int64_t outputs() const { return layers_.back().size; }
  int output() const { return static_cast<int>(layers_.size()) - 1; }
  int64_t neurons() const { return neurons_; }  // N
  // Couples these first neurons (see coupling.h) over the region, which must be curved.
  void couple(const region::Region& region, std::vector<int32_t> neurons) {
    coupling_ = Coupling(*this, region, std::move(neurons));
  }
  const Coupling& coupling() const { return coupling_; }
  // Couples neurons of a second layer as well.
  void couple_second(std::shared_ptr<const SecondCoupling> second) { second_ = std::move(second); }
  const SecondCoupling* second_coupling() const { return second_.get(); }  // or null
  // K: those of both layers.
  size_t coupled() const {
    return coupling_.neurons().size() + (second_ ? second_->coupling().neurons().size() : 0);
  }

 private:
  std::vector<Layer> layers_;
  std::vector<int> relus_;
  int64_t neurons_ = 0;
  Coupling coupling_;
  std::shared_ptr<const SecondCoupling> second_;
};

// y = M x for a dense, convolutional or gathering layer, without its bias. rows of x: input size, of y:
// layer.size.
void apply(const Layer& layer, int64_t rows, const float* x, float* y);
// x = M^T y, or x += M^T y.
void apply_transposed(const Layer& layer, int64_t rows, int64_t input_size, const float* y, float* x,
                      bool add);

}  // namespace verissim::bounds
