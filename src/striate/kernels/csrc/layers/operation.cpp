#include "layers/operation.hpp"

namespace striate {

std::unique_ptr<Operation> operation(const StriateLayer& layer, bool wants_input_gradient) {
    switch (layer.kind) {
        case CONVOLUTION: return convolution(layer, wants_input_gradient);
        case LINEAR: return linear(layer, wants_input_gradient);
        case RADIAL: return radial(layer);
        case ELEMENTWISE: return elementwise(layer);
        case DROPOUT: return dropout(layer);
        case RESPONSE: return response(layer);
        default: return pooling(layer);
    }
}

}  // namespace striate
