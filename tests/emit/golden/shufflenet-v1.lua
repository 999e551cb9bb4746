-- Torch7 source of a convolutional network, written by Striate.
--
-- shufflenet-v1: 3×224×224 in, 1000 out; 1,865,728 parameters.
--
-- Zhang, Zhou, Lin, Sun, ShuffleNet: An extremely efficient convolutional neural network for mobile
-- devices, 2017, section 3.3, table 1.
-- Departures from it:
-- - Convolutions have no biases, as batch norm follows each.
--
-- Made by: striate emit shufflenet-v1 --to torch7
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

-- the maps of groups interleaved
local function shuffle(channels, groups)
   local maps = nn.Concat(2)
   for place = 0, channels - 1 do
      maps:add(nn.Narrow(2, place % groups * channels / groups + math.floor(place / groups) + 1, 1))
   end
   return maps
end

-- branches side by side, their maps concatenated
local function unit()
   local branches = nn.Concat(2)
   local branch = nn.Sequential()  -- shortcut
   branch:add(nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1))
   branches:add(branch)
   branch = nn.Sequential()  -- body
   branch:add(nn.SpatialConvolution(24, 60, 1, 1):noBias())
   branch:add(nn.SpatialBatchNormalization(60))
   branch:add(nn.ReLU())
   branch:add(shuffle(60, 3))
   branch:add(nn.SpatialDepthWiseConvolution(60, 1, 3, 3, 2, 2, 1, 1):noBias())
   branch:add(nn.SpatialBatchNormalization(60))
   branch:add(grouped(3, 60, 216, function(i, o) return nn.SpatialConvolution(i, o, 1, 1):noBias() end))
   branch:add(nn.SpatialBatchNormalization(216))
   branches:add(branch)
   return branches
end

-- the sum of its layers and its input
local function residual_unit(channels, width)
   local body = nn.Sequential()
   body:add(grouped(3, channels, width, function(i, o) return nn.SpatialConvolution(i, o, 1, 1):noBias() end))
   body:add(nn.SpatialBatchNormalization(width))
   body:add(nn.ReLU())
   body:add(shuffle(width, 3))
   body:add(nn.SpatialDepthWiseConvolution(width, 1, 3, 3, 1, 1, 1, 1):noBias())
   body:add(nn.SpatialBatchNormalization(width))
   body:add(grouped(3, width, channels, function(i, o) return nn.SpatialConvolution(i, o, 1, 1):noBias() end))
   body:add(nn.SpatialBatchNormalization(channels))
   return nn.Sequential()
      :add(nn.ConcatTable():add(body):add(nn.Identity()))
      :add(nn.CAddTable())
end

-- layers in a row
local function body2(channels, width)
   local body = nn.Sequential()
   body:add(grouped(3, channels, width, function(i, o) return nn.SpatialConvolution(i, o, 1, 1):noBias() end))
   body:add(nn.SpatialBatchNormalization(width))
   body:add(nn.ReLU())
   body:add(shuffle(width, 3))
   body:add(nn.SpatialDepthWiseConvolution(width, 1, 3, 3, 2, 2, 1, 1):noBias())
   body:add(nn.SpatialBatchNormalization(width))
   body:add(grouped(3, width, channels, function(i, o) return nn.SpatialConvolution(i, o, 1, 1):noBias() end))
   body:add(nn.SpatialBatchNormalization(channels))
   return body
end

-- branches side by side, their maps concatenated
local function unit2()
   local branches = nn.Concat(2)
   local branch = nn.Sequential()  -- shortcut
   branch:add(nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1))
   branches:add(branch)
   branches:add(body2(240, 120))  -- body
   return branches
end

-- branches side by side, their maps concatenated
local function unit3()
   local branches = nn.Concat(2)
   local branch = nn.Sequential()  -- shortcut
   branch:add(nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1))
   branches:add(branch)
   branches:add(body2(480, 240))  -- body
   return branches
end

local model = nn.Sequential()
model:add(nn.SpatialConvolution(3, 24, 3, 3, 2, 2, 1, 1):noBias())  -- conv1: 24×112×112
model:add(nn.SpatialBatchNormalization(24))
model:add(nn.ReLU())
model:add(nn.SpatialMaxPooling(3, 3, 2, 2, 1, 1))  -- pool1: 24×56×56
model:add(unit())  -- stage2.unit1: 240×28×28
model:add(nn.ReLU())
for i = 2, 4 do
   model:add(residual_unit(240, 60))
   model:add(nn.ReLU())
end
model:add(unit2())  -- stage3.unit1: 480×14×14
model:add(nn.ReLU())
for i = 2, 8 do
   model:add(residual_unit(480, 120))
   model:add(nn.ReLU())
end
model:add(unit3())  -- stage4.unit1: 960×7×7
model:add(nn.ReLU())
for i = 2, 4 do
   model:add(residual_unit(960, 240))
   model:add(nn.ReLU())
end
model:add(nn.SpatialAdaptiveAveragePooling(1, 1))
model:add(nn.View(960):setNumInputDims(3))  -- pool5: 960
model:add(nn.Linear(960, 1000))  -- fc: 1000
model:add(nn.SoftMax())

return model
