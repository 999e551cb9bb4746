-- Torch7 source of a convolutional network, written by Striate.
--
-- googlenet: 3×224×224 in, 1000 out; 6,998,552 parameters.
-- The auxiliary heads, which are used in training only, have 6,379,728 more.
--
-- Szegedy, Liu, Jia, Sermanet and others, Going deeper with convolutions, 2014, section 5, table 1.
-- Departures from it:
-- - conv1 is a plain 7×7 convolution of 9,408 weights; the table's 2.7K would be a factored one,
--   which the text does not describe.
-- - The two response normalisations, which only figure 3 shows, have AlexNet's constants.
-- - Poolings at stride 2 round up, as the sizes of the table need it.
--
-- Made by: striate emit googlenet --to torch7
-- Left out, as it is used in training only: head4a.
-- Left out, as it is used in training only: head4d.
require 'nn'

-- layers in a row
local function branch2(in_channels, width, out_channels, kernel)
   local body = nn.Sequential()
   body:add(nn.SpatialConvolution(in_channels, width, 1, 1))
   body:add(nn.ReLU())
   body:add(nn.SpatialConvolution(width, out_channels, kernel, kernel, 1, 1, (kernel - 1) / 2, (kernel - 1) / 2))
   body:add(nn.ReLU())
   return body
end

-- branches side by side, their maps concatenated
local function inception(
      in_channels, branch1x1, branch3x3_reduce, branch3x3, branch5x5_reduce, branch5x5,
      branch_pool_project)
   local branches = nn.Concat(2)
   local branch = nn.Sequential()  -- branch1x1
   branch:add(nn.SpatialConvolution(in_channels, branch1x1, 1, 1))
   branch:add(nn.ReLU())
   branches:add(branch)
   branches:add(branch2(in_channels, branch3x3_reduce, branch3x3, 3))  -- branch3x3
   branches:add(branch2(in_channels, branch5x5_reduce, branch5x5, 5))  -- branch5x5
   branch = nn.Sequential()  -- branch_pool
   branch:add(nn.SpatialMaxPooling(3, 3, 1, 1, 1, 1))
   branch:add(nn.SpatialConvolution(in_channels, branch_pool_project, 1, 1))
   branch:add(nn.ReLU())
   branches:add(branch)
   return branches
end

local model = nn.Sequential()
model:add(nn.SpatialConvolution(3, 64, 7, 7, 2, 2, 3, 3))  -- conv1: 64×112×112
model:add(nn.ReLU())
model:add(nn.SpatialMaxPooling(3, 3, 2, 2):ceil())  -- pool1: 64×56×56
model:add(nn.SpatialCrossMapLRN(5, 0.0005, 0.75, 2))
model:add(nn.SpatialConvolution(64, 64, 1, 1))  -- conv2_reduce: 64×56×56
model:add(nn.ReLU())
model:add(nn.SpatialConvolution(64, 192, 3, 3, 1, 1, 1, 1))  -- conv2: 192×56×56
model:add(nn.ReLU())
model:add(nn.SpatialCrossMapLRN(5, 0.0005, 0.75, 2))
model:add(nn.SpatialMaxPooling(3, 3, 2, 2):ceil())  -- pool2: 192×28×28
model:add(inception(192, 64, 96, 128, 16, 32, 32))  -- inception3a: 256×28×28
model:add(inception(256, 128, 128, 192, 32, 96, 64))  -- inception3b: 480×28×28
model:add(nn.SpatialMaxPooling(3, 3, 2, 2):ceil())  -- pool3: 480×14×14
model:add(inception(480, 192, 96, 208, 16, 48, 64))  -- inception4a: 512×14×14
model:add(inception(512, 160, 112, 224, 24, 64, 64))  -- inception4b: 512×14×14
model:add(inception(512, 128, 128, 256, 24, 64, 64))  -- inception4c: 512×14×14
model:add(inception(512, 112, 144, 288, 32, 64, 64))  -- inception4d: 528×14×14
model:add(inception(528, 256, 160, 320, 32, 128, 128))  -- inception4e: 832×14×14
model:add(nn.SpatialMaxPooling(3, 3, 2, 2):ceil())  -- pool4: 832×7×7
model:add(inception(832, 256, 160, 320, 32, 128, 128))  -- inception5a: 832×7×7
model:add(inception(832, 384, 192, 384, 48, 128, 128))  -- inception5b: 1024×7×7
model:add(nn.SpatialAdaptiveAveragePooling(1, 1))
model:add(nn.View(1024):setNumInputDims(3))  -- pool5: 1024
model:add(nn.Dropout(0.4))
model:add(nn.Linear(1024, 1000))  -- fc: 1000
model:add(nn.SoftMax())

return model
