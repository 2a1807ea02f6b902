// Networks from files.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "base/error.h"
#include "engine.h"
#include "network/evaluate.h"

namespace verissim::python {
namespace nb = nanobind;
namespace {

std::optional<Shape> to_shape(const std::optional<Dimension>& dimension) {
  return dimension ? std::optional(python::to_shape(*dimension)) : std::nullopt;
}

Model to_model(network::LoadedModel loaded) {
  const auto read = std::make_shared<const network::LoadedModel>(std::move(loaded));
  const bool flat = read->input_source == network::InputSource::kFlat;
  return {{read, &read->network}, read, read->format, read->digest, flat, read->notes};
}

Model load(const std::string& path, const std::optional<Dimension>& dimension) {
  const nb::gil_scoped_release free;
  Model model = to_model(network::load_model(path, to_shape(dimension)));
  model.path = path;
  return model;
}

Model parse(const std::string& name, const nb::bytes& data, const std::optional<Dimension>& dimension) {
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(data.data()), data.size());
  const nb::gil_scoped_release free;  // the caller holds the bytes
  return to_model(network::parse_model(name, bytes, to_shape(dimension)));
}

Model with_input(const Model& model, const Dimension& dimension) {
  const Shape shape = python::to_shape(dimension);
  if (shape.size() != model.network->inputs()) {
    throw InputError("", "images of", to_string(shape), std::to_string(model.network->inputs()) + " values");
  }
  network::Network changed = *model.network;
  changed.input = shape;
  Model result = model;
  result.network = std::make_shared<const network::Network>(std::move(changed));
  result.flat = false;
  return result;
}

nb::object scores(const Model& model, const DoubleArray& values) {
  if (static_cast<int64_t>(values.size()) != model.network->inputs()) {
    throw InputError("", "image", std::to_string(values.size()) + " values",
                     std::to_string(model.network->inputs()) + ", the network's input");
  }
  const std::vector<double> x(values.data(), values.data() + values.size());
  return to_array(network::evaluate(*model.network, x));
}

// Whether two pieces of memory hold the same bytes.
bool same_memory(uintptr_t a, uintptr_t b, size_t size) {
  return std::memcmp(reinterpret_cast<const void*>(a), reinterpret_cast<const void*>(b), size) == 0;
}

}  // namespace

void add_models(nb::module_& module) {
  nb::class_<Model>(module, "Model",
                    "A network that was read, kept between questions: what verissim.load gives.")
      .def_prop_ro("dimension", [](const Model& model) { return to_dimension(model.network->input); })
      .def_prop_ro("classes", [](const Model& model) { return model.network->outputs(); })
      .def_prop_ro("relus", [](const Model& model) { return model.network->relus(); })
      .def_prop_ro("parameters", [](const Model& model) { return model.network->parameters(); })
      .def_ro("format", &Model::format)
      .def_ro("digest", &Model::digest)
      .def_ro("flat", &Model::flat)
      .def_ro("notes", &Model::notes)
      .def("with_input", with_input)
      .def("scores", scores);
  module.def("load", load, nb::arg("path"), nb::arg("dimension").none());
  module.def("parse", parse, nb::arg("name"), nb::arg("data"), nb::arg("dimension").none());
  module.def("same_memory", same_memory);
}

}  // namespace verissim::python
