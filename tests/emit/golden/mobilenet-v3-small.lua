-- Torch7 source of a convolutional network, written by Striate.
--
-- mobilenet-v3-small: 3×224×224 in, 1000 out; 2,542,856 parameters.
--
-- Howard, Sandler, Chu, Chen and others, Searching for MobileNetV3, 2019, section 6, tables 1 and
-- 2.
-- Departures from it:
-- - Excitation squeezes to a quarter of the expanded maps, rounded to a multiple of 8, as the code
--   does.
-- - The two last 1×1 convolutions are linear layers.
--
-- Made by: striate emit mobilenet-v3-small --to torch7
require 'nn'

-- relu6(x + 3) / 6
local function hard_sigmoid()
   return nn.Sequential():add(nn.AddConstant(3)):add(nn.ReLU6()):add(nn.MulConstant(1 / 6))
end

-- x times what a module makes of it
local function times(module)
   return nn.Sequential()
      :add(nn.ConcatTable():add(nn.Identity()):add(module))
      :add(nn.CMulTable())
end

-- maps times one factor each: takes {maps, factors}
local ScaleMaps = torch.class('nn.ScaleMaps', 'nn.Module')

function ScaleMaps:updateOutput(input)
   local maps = input[1]
   local factors = input[2]:view(maps:size(1), maps:size(2), 1, 1):expandAs(maps)
   self.output:resizeAs(maps):cmul(maps, factors)
   return self.output
end

function ScaleMaps:updateGradInput(input, gradOutput)
   local maps = input[1]
   local factors = input[2]:view(maps:size(1), maps:size(2), 1, 1):expandAs(maps)
   local sums = torch.cmul(gradOutput, maps):view(maps:size(1), maps:size(2), -1):sum(3)
   self.gradInput = {torch.cmul(gradOutput, factors), sums:viewAs(input[2])}
   return self.gradInput
end

-- layers in a row
local function stem(in_channels, out_channels, kernel, stride)
   local body = nn.Sequential()
   body:add(nn.SpatialConvolution(in_channels, out_channels, kernel, kernel, stride, stride, (kernel - 1) / 2, (kernel - 1) / 2):noBias())
   body:add(nn.SpatialBatchNormalization(out_channels, 0.001, 0.01))
   body:add(times(hard_sigmoid()))
   return body
end

-- its input times what its layers make of it
local function excitation(channels, width)
   local body = nn.Sequential()
   body:add(nn.SpatialAdaptiveAveragePooling(1, 1))
   body:add(nn.View(-1):setNumInputDims(3))
   body:add(nn.Linear(channels, width))
   body:add(nn.ReLU())
   body:add(nn.Linear(width, channels))
   body:add(hard_sigmoid())
   return nn.Sequential()
      :add(nn.ConcatTable():add(nn.Identity()):add(body))
      :add(nn.ScaleMaps())
end

-- the sum of its layers and its input
local function residual_block()
   local body = nn.Sequential()
   body:add(nn.SpatialConvolution(24, 88, 1, 1):noBias())
   body:add(nn.SpatialBatchNormalization(88, 0.001, 0.01))
   body:add(nn.ReLU())
   body:add(nn.SpatialDepthWiseConvolution(88, 1, 3, 3, 1, 1, 1, 1):noBias())
   body:add(nn.SpatialBatchNormalization(88, 0.001, 0.01))
   body:add(nn.ReLU())
   body:add(nn.SpatialConvolution(88, 24, 1, 1):noBias())
   body:add(nn.SpatialBatchNormalization(24, 0.001, 0.01))
   return nn.Sequential()
      :add(nn.ConcatTable():add(body):add(nn.Identity()))
      :add(nn.CAddTable())
end

-- layers in a row
local function block(in_channels, conv1, excitation_fc1_units, out_channels, stride)
   local body = nn.Sequential()
   body:add(nn.SpatialConvolution(in_channels, conv1, 1, 1):noBias())
   body:add(nn.SpatialBatchNormalization(conv1, 0.001, 0.01))
   body:add(times(hard_sigmoid()))
   body:add(nn.SpatialDepthWiseConvolution(conv1, 1, 5, 5, stride, stride, 2, 2):noBias())
   body:add(nn.SpatialBatchNormalization(conv1, 0.001, 0.01))
   body:add(times(hard_sigmoid()))
   body:add(excitation(conv1, excitation_fc1_units))
   body:add(nn.SpatialConvolution(conv1, out_channels, 1, 1):noBias())
   body:add(nn.SpatialBatchNormalization(out_channels, 0.001, 0.01))
   return body
end

-- the sum of its layers and its input
local function residual_block2(channels, conv1, excitation_fc1_units)
   local body = nn.Sequential()
   body:add(nn.SpatialConvolution(channels, conv1, 1, 1):noBias())
   body:add(nn.SpatialBatchNormalization(conv1, 0.001, 0.01))
   body:add(times(hard_sigmoid()))
   body:add(nn.SpatialDepthWiseConvolution(conv1, 1, 5, 5, 1, 1, 2, 2):noBias())
   body:add(nn.SpatialBatchNormalization(conv1, 0.001, 0.01))
   body:add(times(hard_sigmoid()))
   body:add(excitation(conv1, excitation_fc1_units))
   body:add(nn.SpatialConvolution(conv1, channels, 1, 1):noBias())
   body:add(nn.SpatialBatchNormalization(channels, 0.001, 0.01))
   return nn.Sequential()
      :add(nn.ConcatTable():add(body):add(nn.Identity()))
      :add(nn.CAddTable())
end

local model = nn.Sequential()
model:add(stem(3, 16, 3, 2))  -- stem: 16×112×112
model:add(nn.SpatialDepthWiseConvolution(16, 1, 3, 3, 2, 2, 1, 1):noBias())  -- block1.conv2: 16×56×56
model:add(nn.SpatialBatchNormalization(16, 0.001, 0.01))
model:add(nn.ReLU())
model:add(excitation(16, 8))  -- block1.excitation: 16×56×56
model:add(nn.SpatialConvolution(16, 16, 1, 1):noBias())  -- block1.conv3: 16×56×56
model:add(nn.SpatialBatchNormalization(16, 0.001, 0.01))
model:add(nn.SpatialConvolution(16, 72, 1, 1):noBias())  -- block2.conv1: 72×56×56
model:add(nn.SpatialBatchNormalization(72, 0.001, 0.01))
model:add(nn.ReLU())
model:add(nn.SpatialDepthWiseConvolution(72, 1, 3, 3, 2, 2, 1, 1):noBias())  -- block2.conv2: 72×28×28
model:add(nn.SpatialBatchNormalization(72, 0.001, 0.01))
model:add(nn.ReLU())
model:add(nn.SpatialConvolution(72, 24, 1, 1):noBias())  -- block2.conv3: 24×28×28
model:add(nn.SpatialBatchNormalization(24, 0.001, 0.01))
model:add(residual_block())  -- block3: 24×28×28
model:add(block(24, 96, 24, 40, 2))  -- block4: 40×14×14
model:add(residual_block2(40, 240, 64))  -- block5: 40×14×14
model:add(residual_block2(40, 240, 64))  -- block6: 40×14×14
model:add(block(40, 120, 32, 48, 1))  -- block7: 48×14×14
model:add(residual_block2(48, 144, 40))  -- block8: 48×14×14
model:add(block(48, 288, 72, 96, 2))  -- block9: 96×7×7
model:add(residual_block2(96, 576, 144))  -- block10: 96×7×7
model:add(residual_block2(96, 576, 144))  -- block11: 96×7×7
model:add(stem(96, 576, 1, 1))  -- last: 576×7×7
model:add(nn.SpatialAdaptiveAveragePooling(1, 1))
model:add(nn.View(576):setNumInputDims(3))  -- pool: 576
model:add(nn.Linear(576, 1024))  -- fc1: 1024
model:add(times(hard_sigmoid()))
model:add(nn.Dropout(0.2))
model:add(nn.Linear(1024, 1000))  -- fc2: 1000
model:add(nn.SoftMax())

return model
