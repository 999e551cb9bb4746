-- Torch7 source of a convolutional network, written by Striate.
--
-- alexnet: 3×227×227 in, 1000 out; 60,965,224 parameters.
--
-- Krizhevsky, Sutskever, Hinton, ImageNet classification with deep convolutional neural networks,
-- 2012, section 3.5, figure 2.
-- Departures from it:
-- - The input is 227×227. The paper prints 224, from which 11×11 windows at stride 4 do not make
--   its 55×55 maps.
-- - Response normalisation runs over all maps; whether it crosses from tower to tower the paper
--   does not say.
--
-- Made by: striate emit alexnet --to torch7
require 'nn'

-- a convolution for each group of maps, their outputs side by side
local function grouped(groups, inputs, outputs, convolution)
   local concat = nn.Concat(2)
   for group = 1, groups do
      concat:add(nn.Sequential()
         :add(nn.Narrow(2, (group - 1) * inputs / groups + 1, inputs / groups))
         :add(convolution(inputs / groups, outputs / groups)))
   end
   return concat
end

local model = nn.Sequential()
model:add(nn.SpatialConvolution(3, 96, 11, 11, 4, 4))  -- conv1: 96×55×55
model:add(nn.ReLU())
model:add(nn.SpatialCrossMapLRN(5, 0.0005, 0.75, 2))
model:add(nn.SpatialMaxPooling(3, 3, 2, 2))  -- pool1: 96×27×27
model:add(grouped(2, 96, 256, function(i, o) return nn.SpatialConvolution(i, o, 5, 5, 1, 1, 2, 2) end))  -- conv2: 256×27×27
model:add(nn.ReLU())
model:add(nn.SpatialCrossMapLRN(5, 0.0005, 0.75, 2))
model:add(nn.SpatialMaxPooling(3, 3, 2, 2))  -- pool2: 256×13×13
model:add(nn.SpatialConvolution(256, 384, 3, 3, 1, 1, 1, 1))  -- conv3: 384×13×13
model:add(nn.ReLU())
model:add(grouped(2, 384, 384, function(i, o) return nn.SpatialConvolution(i, o, 3, 3, 1, 1, 1, 1) end))  -- conv4: 384×13×13
model:add(nn.ReLU())
model:add(grouped(2, 384, 256, function(i, o) return nn.SpatialConvolution(i, o, 3, 3, 1, 1, 1, 1) end))  -- conv5: 256×13×13
model:add(nn.ReLU())
model:add(nn.SpatialMaxPooling(3, 3, 2, 2))  -- pool5: 256×6×6
model:add(nn.View(9216):setNumInputDims(3))  -- flatten1: 9216
model:add(nn.Linear(9216, 4096))  -- fc6: 4096
model:add(nn.ReLU())
model:add(nn.Dropout(0.5))
model:add(nn.Linear(4096, 4096))  -- fc7: 4096
model:add(nn.ReLU())
model:add(nn.Dropout(0.5))
model:add(nn.Linear(4096, 1000))  -- fc8: 1000
model:add(nn.SoftMax())

return model
