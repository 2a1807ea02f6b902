// Networks from what a module of PyTorch does: the Python code calls PyTorch's functions here by name, as a
// TorchScript archive does, and with the same meaning.
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "engine.h"
#include "network/script_value.h"

namespace verissim::python {
namespace nb = nanobind;
namespace {

using network::ScriptConstant;
using network::ScriptList;
using network::ScriptTensor;
using network::ScriptValue;

constexpr int kMostLevels = 10;  // of lists within lists

// Values that a function takes or gives: of the image, or constants.
struct TracedValue {
  ScriptValue value;

  std::vector<int64_t> shape() const {
    const auto* tensor = value.as<ScriptTensor>();
    return tensor != nullptr ? tensor->signal.shape : value.as<ScriptConstant>()->shape;
  }
};

ScriptValue to_value(const nb::handle& object, int level = 0) {
  if (object.is_none()) return {};
  if (nb::isinstance<nb::bool_>(object)) return {nb::cast<bool>(object)};
  if (nb::isinstance<nb::int_>(object)) return {nb::cast<int64_t>(object)};
  if (nb::isinstance<nb::float_>(object)) return {nb::cast<double>(object)};
  if (nb::isinstance<nb::str>(object)) return {nb::cast<std::string>(object)};
  if (nb::isinstance<TracedValue>(object)) return nb::cast<const TracedValue&>(object).value;
  if (level < kMostLevels && (nb::isinstance<nb::list>(object) || nb::isinstance<nb::tuple>(object))) {
    std::vector<ScriptValue> items;
    for (const nb::handle item : object) items.push_back(to_value(item, level + 1));
    return network::make_list(std::move(items));
  }
  return {network::ScriptGlobal{nb::cast<std::string>(nb::str(object.type()))}};
}

nb::object to_object(const ScriptValue& value) {
  if (value.is_none()) return nb::none();
  if (const auto* flag = value.as<bool>()) return nb::bool_(*flag);
  if (const auto* integer = value.as<int64_t>()) return nb::int_(*integer);
  if (const auto* real = value.as<double>()) return nb::float_(*real);
  if (const auto* list = value.as<ScriptList>()) {
    nb::list items;
    for (const ScriptValue& item : *list->items) items.append(to_object(item));
    return nb::object(items);
  }
  return nb::cast(TracedValue{value});
}

class Trace {
 public:
  // name: of the module, for messages. shape: of forward's argument, [1, channels, height, width] or [1, n].
  Trace(std::string name, const Dimension& dimension, std::vector<int64_t> shape)
      : name_(std::move(name)), world_{network::GraphBuilder(checked(dimension, shape)), {}} {
    input_ = {{ScriptTensor{{0, std::move(shape), nullptr, false}, 0}}};
  }

  TracedValue input() const { return input_; }

  static TracedValue constant(const DoubleArray& array) {
    std::vector<int64_t> shape;
    for (size_t k = 0; k < array.ndim(); ++k) shape.push_back(static_cast<int64_t>(array.shape(k)));
    auto values = std::make_shared<const std::vector<double>>(array.data(), array.data() + array.size());
    if (!std::all_of(values->begin(), values->end(), [](double x) { return std::isfinite(x); }))
      throw InputError("", "a tensor of the module", "NaN or infinity", "finite numbers");
    return {{ScriptConstant{std::move(shape), std::move(values)}}};
  }

  nb::object call(const std::string& function, const nb::args& arguments) {
    std::vector<ScriptValue> values;
    for (const nb::handle argument : arguments) values.push_back(to_value(argument));
    const std::vector<std::string> names(values.size());
    const auto error = [&](const std::string& got, const std::string& wanted) {
      return InputError(name_, "", got, wanted);
    };
    return to_object(network::call_torch({world_, "torch." + function, "", std::move(values), names, error}));
  }

  // Says that programs in float32 may compute the network in another way; why, a clause.
  void doubt(const std::string& why) { world_.graph.doubt(why); }

  // The network whose scores the value is, of shape [1, classes].
  Model finish(const TracedValue& value) {
    const auto* output = value.value.as<ScriptTensor>();
    if (output == nullptr || output->signal.node == 0)
      throw InputError(name_, "", "an output that no layer computes from the image", "scores");
    if (world_.overwritten.contains(output->storage))
      throw InputError(name_, "", "an output that was overwritten in place", "one that was not");
    const std::vector<int64_t>& shape = output->signal.shape;
    if (shape.size() != 2 || shape.front() != 1) {
      throw InputError(name_, "", "an output of shape " + network::to_string(shape) + " for one image",
                       "[1, classes]");
    }
    network::Network network = world_.graph.finish(world_.graph.in_order("output", output->signal));
    if (network.parameters() == 0) throw InputError(name_, "", "no layer with weights", "some");
    return {std::make_shared<const network::Network>(std::move(network)),
            nullptr,
            "PyTorch nn.Module",
            "",
            false,
            {}};
  }

 private:
  static Shape checked(const Dimension& dimension, const std::vector<int64_t>& shape) {
    const Shape wanted = to_shape(dimension);
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    if (shape.empty() || shape.front() != 1 || count != wanted.size() || count < 1)
      throw InputError("", "input of shape", network::to_string(shape), "1 x " + to_string(wanted));
    return wanted;
  }

  std::string name_;
  network::ScriptWorld world_;
  TracedValue input_;
};

}  // namespace

void add_trace(nb::module_& module) {
  nb::class_<TracedValue>(module, "TracedValue").def_prop_ro("shape", &TracedValue::shape);
  nb::class_<Trace>(module, "Trace")
      .def(nb::init<std::string, Dimension, std::vector<int64_t>>())
      .def("input", &Trace::input)
      .def_static("constant", &Trace::constant)
      .def("call", &Trace::call)
      .def("doubt", &Trace::doubt)
      .def("finish", &Trace::finish);
}

}  // namespace verissim::python
