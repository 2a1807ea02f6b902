# Finds LibTorch's headers and CPU libraries: Debian's libtorch-dev, an unpacked LibTorch, or pip's torch.
# Where to look, first match wins:
#   VERISSIM_TORCH_PYTHON  a Python that has torch: its torch is used
#   Torch_DIR              the folder of TorchConfig.cmake, as for find_package(Torch)
#   CMAKE_PREFIX_PATH      and the system's folders
# PyTorch's own package file is not used: it demands every library that PyTorch was built with, though a program
# that calls the CPU library needs two.
#
# Defines LibTorch::LibTorch, LibTorch_VERSION, LibTorch_LIBRARY_DIR.
set(libtorch_hints)
if(VERISSIM_TORCH_PYTHON)
  execute_process(
    COMMAND ${VERISSIM_TORCH_PYTHON} -c "import torch, os; print(os.path.dirname(torch.__file__))"
    OUTPUT_VARIABLE libtorch_root RESULT_VARIABLE libtorch_failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(libtorch_failed)
    message(FATAL_ERROR "VERISSIM_TORCH_PYTHON: ${VERISSIM_TORCH_PYTHON} cannot import torch")
  endif()
  set(libtorch_hints ${libtorch_root})
elseif(Torch_DIR)
  get_filename_component(libtorch_root ${Torch_DIR}/../../.. ABSOLUTE)
  set(libtorch_hints ${libtorch_root})
endif()

find_path(LibTorch_INCLUDE_DIR torch/csrc/autograd/variable.h HINTS ${libtorch_hints} PATH_SUFFIXES include)
find_library(LibTorch_torch_cpu_LIBRARY torch_cpu HINTS ${libtorch_hints} PATH_SUFFIXES lib)
find_library(LibTorch_c10_LIBRARY c10 HINTS ${libtorch_hints} PATH_SUFFIXES lib)
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_torch_cpu_LIBRARY LibTorch_c10_LIBRARY)

if(LibTorch_INCLUDE_DIR)
  set(libtorch_version_file ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include/torch/version.h)
  # Newer releases keep the numbers beside.
  if(EXISTS ${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h)
    set(libtorch_version_file ${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h)
  endif()
  if(EXISTS ${libtorch_version_file})
    file(STRINGS ${libtorch_version_file} libtorch_lines REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
    string(REGEX REPLACE "[^0-9;]" "" libtorch_numbers "${libtorch_lines}")
    string(REPLACE ";" "." LibTorch_VERSION "${libtorch_numbers}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  LibTorch
  REQUIRED_VARS LibTorch_torch_cpu_LIBRARY LibTorch_c10_LIBRARY LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION)

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  get_filename_component(LibTorch_LIBRARY_DIR ${LibTorch_torch_cpu_LIBRARY} DIRECTORY)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
                             ${LibTorch_INCLUDE_DIR} ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include)
  target_link_libraries(LibTorch::LibTorch INTERFACE ${LibTorch_torch_cpu_LIBRARY} ${LibTorch_c10_LIBRARY})

  # Some packages for pip were built with the C++ library's old string, which does not link with ours.
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_LIBRARIES ${LibTorch_c10_LIBRARY})
  check_cxx_source_compiles(
    "#include <cstdint>
     #include <string>
     namespace c10::detail { void torchCheckFail(const char*, const char*, uint32_t, const std::string&); }
     int main(int argc, char**) { if (argc > 1) c10::detail::torchCheckFail(\"\", \"\", 0, std::string()); }"
    LibTorch_HAS_CXX11_ABI)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(NOT LibTorch_HAS_CXX11_ABI)
    message(FATAL_ERROR "LibTorch in ${LibTorch_LIBRARY_DIR} does not link with this compiler's std::string "
                        "(pip's torch before 2.7 does not): take a newer one, or -DVERISSIM_TORCH=OFF")
  endif()
endif()
