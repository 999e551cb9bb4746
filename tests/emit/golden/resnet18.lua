-- Torch7 source of a convolutional network, written by Striate.
--
-- resnet18: 3×224×224 in, 1000 out; 11,689,512 parameters.
--
-- He, Zhang, Ren, Sun, Deep residual learning for image recognition, 2015, section 3.3, table 1.
-- Departures from it:
-- - Convolutions have no biases: batch norm's shift takes their place. The paper does not say.
-- - The pooling is padded by 1: the table gives its output, 56×56, and no padding.
-- - Shortcut B; the paper's errors for 18 layers are with A (resnet18-a).
--
-- Made by: striate emit resnet18 --to torch7
require 'nn'

-- the sum of its layers and its shortcut or its input
local function residual_block(in_channels, out_channels, stride)
   local body = nn.Sequential()
   body:add(nn.SpatialConvolution(in_channels, out_channels, 3, 3, stride, stride, 1, 1):noBias())
   body:add(nn.SpatialBatchNormalization(out_channels))
   body:add(nn.ReLU())
   body:add(nn.SpatialConvolution(out_channels, out_channels, 3, 3, 1, 1, 1, 1):noBias())
   body:add(nn.SpatialBatchNormalization(out_channels))
   local shortcut = nn.Identity()
   if stride ~= 1 or in_channels ~= out_channels then
      shortcut = nn.Sequential()
      shortcut:add(nn.SpatialConvolution(in_channels, out_channels, 1, 1, stride, stride):noBias())
      shortcut:add(nn.SpatialBatchNormalization(out_channels))
   end
   return nn.Sequential()
      :add(nn.ConcatTable():add(body):add(shortcut))
      :add(nn.CAddTable())
end

-- layers in a row
local function stage(in_channels, out_channels, stride)
   local body = nn.Sequential()
   body:add(residual_block(in_channels, out_channels, stride))
   body:add(nn.ReLU())
   body:add(residual_block(out_channels, out_channels, 1))
   body:add(nn.ReLU())
   return body
end

local model = nn.Sequential()
model:add(nn.SpatialConvolution(3, 64, 7, 7, 2, 2, 3, 3):noBias())  -- stem.conv1: 64×112×112
model:add(nn.SpatialBatchNormalization(64))
model:add(nn.ReLU())
model:add(nn.SpatialMaxPooling(3, 3, 2, 2, 1, 1))  -- stem.pool: 64×56×56
model:add(stage(64, 64, 1))  -- stage1: 64×56×56
model:add(stage(64, 128, 2))  -- stage2: 128×28×28
model:add(stage(128, 256, 2))  -- stage3: 256×14×14
model:add(stage(256, 512, 2))  -- stage4: 512×7×7
model:add(nn.SpatialAdaptiveAveragePooling(1, 1))
model:add(nn.View(512):setNumInputDims(3))  -- pool: 512
model:add(nn.Linear(512, 1000))  -- fc: 1000
model:add(nn.SoftMax())

return model
