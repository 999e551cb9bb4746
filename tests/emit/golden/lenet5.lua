-- Torch7 source of a convolutional network, written by Striate.
--
-- lenet5: 1×32×32 in, 10 out; 60,000 parameters.
--
-- LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to document recognition, 1998,
-- section II-B, figure 2, table I.
-- Departures from it:
-- - A unit of S2 and S4 adds its four inputs, as section II-B says; section II-A averages them.
-- - The RBF bitmaps are drawn anew: the paper shows its own in figure 3 and prints no table.
--
-- Made by: striate emit lenet5 --to torch7
require 'nn'

-- +1 and -1, written + and -
local function signs(rows)
   local values = torch.Tensor(#rows, #rows[1])
   for row = 1, #rows do
      for column = 1, #rows[row] do
         values[row][column] = rows[row]:sub(column, column) == '+' and 1 or -1
      end
   end
   return values
end

-- pairs of an input map and the filter that sees it, as SpatialConvolutionMap takes them
local function connections(rows)
   local pairs_of_maps = {}
   for filter, maps in ipairs(rows) do
      for _, map in ipairs(maps) do
         table.insert(pairs_of_maps, {map, filter})
      end
   end
   return torch.Tensor(pairs_of_maps)
end

-- 1.7159 tanh(2x/3), which is 1 at 1 (LeCun and others 1998, appendix A)
local function scaled_tanh()
   return nn.Sequential():add(nn.MulConstant(2 / 3)):add(nn.Tanh()):add(nn.MulConstant(1.7159))
end

-- the squared distance to each of fixed centres: the smaller, the nearer
local function rbf(centres)
   local distance = nn.Euclidean(centres:size(2), centres:size(1))
   distance.weight:copy(centres:t())
   distance.accGradParameters = function() end
   return nn.Sequential():add(distance):add(nn.Square())
end

local C3_table = connections{
   {1, 2, 3},
   {2, 3, 4},
   {3, 4, 5},
   {4, 5, 6},
   {1, 5, 6},
   {1, 2, 6},
   {1, 2, 3, 4},
   {2, 3, 4, 5},
   {3, 4, 5, 6},
   {1, 4, 5, 6},
   {1, 2, 5, 6},
   {1, 2, 3, 6},
   {1, 2, 4, 5},
   {2, 3, 5, 6},
   {1, 3, 4, 6},
   {1, 2, 3, 4, 5, 6},
}

local output_centres = signs{
   '--+++---++-++-++---++++---++++---++++---++++---++++---++++---++-++-++---+++---------',
   '---++----+++---++++-----++-----++-----++-----++-----++-----++-----++---++++++-------',
   '-+++++-++---++-----++-----++----++----++----++----++----++-----++-----+++++++-------',
   '-+++++-++---++-----++-----++-----++--++++------++-----++-----++++---++-+++++--------',
   '----++----+++---++++--++-++-++--++-++--++-+++++++----++-----++-----++-----++--------',
   '+++++++++-----++-----++-----++++++------++-----++-----++-----++++---++-+++++--------',
   '--++++--++----++-----++-----++++++-++---++++---++++---++++---++++---++-+++++--------',
   '+++++++++---++-----++----++-----++----++-----++----++-----++-----++-----++----------',
   '-+++++-++---++++---++++---++-++-++---+++---++-++-++---++++---++++---++-+++++--------',
   '-+++++-++---++++---++++---++++---++-++++++-----++-----++-----++----++--++++---------',
}

local model = nn.Sequential()
model:add(nn.SpatialConvolution(1, 6, 5, 5))  -- C1: 6×28×28
model:add(scaled_tanh())
model:add(nn.SpatialSubSampling(6, 2, 2, 2, 2))  -- S2: 6×14×14
model:add(scaled_tanh())
model:add(nn.SpatialConvolutionMap(C3_table, 5, 5))  -- C3: 16×10×10
model:add(scaled_tanh())
model:add(nn.SpatialSubSampling(16, 2, 2, 2, 2))  -- S4: 16×5×5
model:add(scaled_tanh())
model:add(nn.SpatialConvolution(16, 120, 5, 5))  -- C5: 120×1×1
model:add(scaled_tanh())
model:add(nn.View(120):setNumInputDims(3))  -- flatten1: 120
model:add(nn.Linear(120, 84))  -- F6: 84
model:add(scaled_tanh())
model:add(rbf(output_centres))  -- output: 10

return model
