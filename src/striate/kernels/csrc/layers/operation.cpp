#include "layers/operation.hpp"

#include <stdexcept>

namespace striate {

std::unique_ptr<Operation> operation(const StriateLayer& layer, bool wants_input_gradient) {
    if (layer.function < IDENTITY || layer.function > HARD_SWISH) throw std::invalid_argument("an unknown activation");
    switch (layer.kind) {
        case CONVOLUTION: return convolution(layer, wants_input_gradient);
        case LINEAR: return linear(layer, wants_input_gradient);
        case RADIAL: return radial(layer);
        case ELEMENTWISE: return elementwise(layer);
        case DROPOUT: return dropout(layer);
        case RESPONSE: return response(layer);
        case POSITION_BIAS: return position_bias(layer);
        case MAXIMUM:
        case AVERAGE:
        case SUBSAMPLING: return pooling(layer);
        default: throw std::invalid_argument("a layer of an unknown kind");
    }
}

}  // namespace striate
