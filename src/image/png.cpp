#include "image/png.h"

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "base/error.h"

namespace verissim::image {
namespace {

// libpng reports errors by longjmp, which skips destructors. So everything between a setjmp and the calls
// that may jump back to it is plain data, and all memory is owned by the callers of such functions.
struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const std::byte* next = nullptr;
  size_t left = 0;
  size_t size = 0;          // of the file
  uint64_t packed_row = 0;  // bytes of a row in the file, before they are deflated
  char message[160] = "not readable";

  Reader() = default;
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

void on_error(png_structp png, png_const_charp text) {
  auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
  std::strncpy(reader->message, text, sizeof reader->message - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep out, size_t count) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader->left) png_error(png, "the file ends too early");
  std::memcpy(out, reader->next, count);
  reader->next += count;
  reader->left -= count;
}

// Whether the file holds all that its chunks claim: libpng takes the memory for a chunk before it reads it.
// moves: set if it is an animation.
bool has_whole_chunks(std::span<const std::byte> data, bool& moves) {
  constexpr size_t kSignature = 8;
  constexpr size_t kFrame = 12;  // length, type and checksum
  for (size_t at = kSignature; at < data.size();) {
    if (data.size() - at < kFrame) return false;
    size_t length = 0;
    for (size_t k = 0; k < 4; ++k) length = length << 8 | std::to_integer<size_t>(data[at + k]);
    if (length > data.size() - at - kFrame) return false;
    if (std::memcmp(data.data() + at + 4, "IEND", 4) == 0) return true;  // what follows is not read
    if (std::memcmp(data.data() + at + 4, "acTL", 4) == 0) moves = true;
    at += kFrame + length;
  }
  return false;
}

// A deflated byte stands for at most 1032 bytes, so a file that claims more pixels than that is cut or lies.
constexpr uint64_t kMostPerByte = 1032;

// False: reader.message says why.
bool read_header(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_set_read_fn(reader.png, &reader, on_read);
  png_set_user_limits(reader.png, kMaxPixels, kMaxPixels);
  png_read_info(reader.png, reader.info);
  const uint64_t bits = static_cast<uint64_t>(png_get_bit_depth(reader.png, reader.info)) *
                        png_get_channels(reader.png, reader.info);
  reader.packed_row = (png_get_image_width(reader.png, reader.info) * bits + 7) / 8;
  // Before memory for a row is taken; decode_png refuses it then.
  if (png_get_image_height(reader.png, reader.info) > kMostPerByte * reader.size / reader.packed_row)
    return true;
  png_set_expand(reader.png);
  png_set_strip_16(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

bool read_rows(Reader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

}  // namespace

bool looks_like_png(std::span<const std::byte> data) {
  constexpr unsigned char kSignature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  return data.size() >= sizeof kSignature && std::memcmp(data.data(), kSignature, sizeof kSignature) == 0;
}

Image8 decode_png(std::span<const std::byte> data, const std::string& file) {
  Reader reader;
  const auto check = [&](bool done) {
    if (!done) throw InputError(file, "PNG", reader.message, "a whole PNG file");
  };
  bool moves = false;
  if (looks_like_png(data) && !has_whole_chunks(data, moves))
    throw InputError(file, "PNG", "the file ends too early", "a whole PNG file");
  if (moves) throw InputError(file, "PNG", "an animation", "a single image");
  reader.next = data.data();
  reader.left = data.size();
  reader.size = data.size();
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
  check(reader.png != nullptr);
  reader.info = png_create_info_struct(reader.png);
  check(reader.info != nullptr);
  check(read_header(reader));

  Image8 image;
  image.height = png_get_image_height(reader.png, reader.info);
  image.width = png_get_image_width(reader.png, reader.info);
  check_size(file, image.height, image.width);
  if (static_cast<uint64_t>(image.height) > kMostPerByte * data.size() / reader.packed_row)
    throw InputError(file, "PNG", "more pixels than the file can hold", "a whole PNG file");
  image.mode = static_cast<Mode>(png_get_channels(reader.png, reader.info));
  const size_t stride = png_get_rowbytes(reader.png, reader.info);
  VERISSIM_CHECK(stride == static_cast<size_t>(image.width * image.channels()));
  image.pixels.resize(static_cast<size_t>(image.height) * stride);
  std::vector<png_bytep> rows(static_cast<size_t>(image.height));
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = image.pixels.data() + i * stride;
  check(read_rows(reader, rows.data()));
  return image;
}

std::vector<std::byte> encode_png(const Image8& image) {
  VERISSIM_CHECK(!image.has_alpha());
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = image.mode == Mode::kGrey ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::vector<std::byte> data(size);
  VERISSIM_CHECK(png_image_write_to_memory(&header, data.data(), &size, 0, image.pixels.data(), 0, nullptr) !=
                 0);
  data.resize(size);
  return data;
}

}  // namespace verissim::image
