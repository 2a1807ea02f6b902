// Images from files: PNG, PGM, PPM and NPY, told apart by their first bytes and not by their names.
#pragma once

#include <string>
#include <vector>

#include "base/shape.h"
#include "image/image.h"
#include "image/pixels.h"

namespace verissim::image {

struct LoadOptions {
  // What transparent pixels are laid on. Black: transparent pixels of the usual files are stored as black, so
  // this is also what most tools show that drop the alpha channel.
  Background background = {0, 0, 0};
};

// The pixels of a PNG, PGM or PPM file as they are stored, reduced to 8 bits. Throws InputError.
Image8 read_image8(const std::string& path);

// The image as an experiment uses it, `wanted` = C x H x W with C = 1 or 3 for pixels:
//   decode; lay on the background; convert to grey (C = 1) or RGB (C = 3); resize to H x W as Pillow does;
//   float32(k) / float32(255).
// An NPY file is taken as follows.
// - uint8 of shape (H0, W0) or (H0, W0, channels 1 to 4): pixels, treated as above; but an array whose shape
// is
//   (C, H, W) exactly holds the planes themselves.
// - float32 or float64 of shape (C, H, W), (1, C, H, W), (H, W) if C = 1, or (n,): the values themselves,
// which must
//   lie in [0, 1]. Nothing is resized: any other shape is refused. float64 is rounded to float32.
// Throws InputError naming the file.
Image load_image(const std::string& path, const Shape& wanted, const LoadOptions& options = {});

// The same, but float64 values of an NPY file keep all their digits.
std::vector<double> load_values(const std::string& path, const Shape& wanted,
                                const LoadOptions& options = {});

// The shape in which a file holds its image: 1 or 3 channels for pixels, whatever their alpha; C x H x W for
// float arrays, 1 x 1 x n for flat ones. Throws InputError.
Shape stored_shape(const std::string& path);

// Converts pixels as load_image does, but leaves them in 8 bits. wanted.channels must be 1 or 3.
Image8 fit(const Image8& image, const Shape& wanted, const LoadOptions& options = {});

}  // namespace verissim::image
