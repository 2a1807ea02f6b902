// The module verissim._engine: the engine for the package's Python code, which alone is for users.
#include "engine.h"

#include "base/error.h"
#include "base/version.h"

NB_MODULE(_engine, module) {
  namespace nb = nanobind;
  nb::exception<verissim::InputError>(module, "InputError", PyExc_ValueError);
  module.attr("version") = verissim::kVersion;
  verissim::python::add_models(module);
  verissim::python::add_pictures(module);
  verissim::python::add_questions(module);
  verissim::python::add_trace(module);
}
