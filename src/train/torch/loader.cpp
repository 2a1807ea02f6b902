// Finds and loads the module. It lies in a folder whose place relative to the program, or to the shared
// library that this file was linked into, is the same in the build tree and after installation.
#include "train/torch/loader.h"

#include <dlfcn.h>
#include <link.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/version.h"

namespace verissim::train {
namespace {

namespace fs = std::filesystem;

// The folder of the program or shared library that contains this code.
fs::path own_folder() {
  Dl_info info{};
  link_map* map = nullptr;
  const bool found = dladdr1(reinterpret_cast<const void*>(&own_folder), &info,
                             reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) != 0;
  const bool is_library = found && map != nullptr && map->l_name != nullptr && *map->l_name != '\0';
  std::error_code error;
  return fs::canonical(is_library ? map->l_name : "/proc/self/exe", error).parent_path();
}

[[noreturn]] void fail(const std::string& why) {
  throw InputError("training and repair need LibTorch: " + why);
}

fs::path find_module() {
  const fs::path own = own_folder();
  for (const char* folder : {VERISSIM_MODULE_FOLDER, "../lib/verissim", "."}) {
    std::error_code error;
    fs::path candidate = (own / folder / kModuleFile).lexically_normal();
    if (fs::exists(candidate, error)) return candidate;
  }
  fail(std::string(kModuleFile) + " is not in " + (own / VERISSIM_MODULE_FOLDER).lexically_normal().string());
}

const ModuleInterface& load() {
  if (!VERISSIM_HAS_TORCH)
    fail("this build has none (it was not found, or switched off, when Verissim was built)");
  const fs::path path = find_module();
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) fail(dlerror());
  const auto* interface = static_cast<const ModuleInterface*>(dlsym(module, kModuleSymbol));
  if (interface == nullptr) fail(path.string() + " is not a module of Verissim");
  if (std::string_view(interface->version) != kVersion) {
    fail(path.string() + " belongs to Verissim " + interface->version + ", this is " + kVersion);
  }
  return *interface;
}

}  // namespace

const ModuleInterface& torch_module() {
  static const ModuleInterface& interface = load();
  return interface;
}

}  // namespace verissim::train
