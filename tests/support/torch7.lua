-- Runs Torch7 source without Torch7 and prints the modules that it makes as JSON: arg[1] is the file of the source.
local text

local function texts(values)
   local found = {}
   for place = 1, #values do
      found[place] = text(values[place])
   end
   return '[' .. table.concat(found, ', ') .. ']'
end

function text(value)
   if type(value) == 'number' then
      local sign = value < 0 and '-' or ''
      return math.abs(value) == math.huge and sign .. 'Infinity' or string.format('%.17g', value)
   elseif type(value) == 'boolean' then
      return tostring(value)
   elseif value.kind == nil then
      return texts(value)
   end
   local set = {}
   for name, given in pairs(value.set) do
      table.insert(set, string.format('"%s": %s', name, text(given)))
   end
   local form = '{"kind": "%s", "given": %s, "modules": %s, "set": {%s}}'
   return string.format(form, value.kind, texts(value.given), texts(value.modules), table.concat(set, ', '))
end

local Module = {}
Module.__index = Module

function Module:add(module)
   assert(module, 'nothing is added')
   table.insert(self.modules, module)
   return self
end

for _, name in ipairs {'ceil', 'noBias', 'setNumInputDims', 'setCountExcludePad'} do
   Module[name] = function(self, value)
      self.set[name] = value or true
      return self
   end
end

local Tensor = {}
Tensor.__index = Tensor

function Tensor:size(dimension)
   return dimension == 1 and #self or #self[1]
end

function Tensor:t()
   return self
end

local function made(kind, ...)
   local module = setmetatable({kind = kind, given = {...}, modules = {}, set = {}}, Module)
   if kind == 'Euclidean' then
      module.weight = {copy = function(_, values) module.set.centres = values end}
   end
   return module
end

nn = setmetatable({}, {__index = function(_, kind) return function(...) return made(kind, ...) end end})
torch = {class = function() return {} end}

function torch.Tensor(rows, columns)
   local values = setmetatable(columns and {} or rows, Tensor)
   for row = 1, columns and rows or 0 do
      values[row] = {}
   end
   return values
end

function require(name)
   assert(name == 'nn')
end

print(text(dofile(arg[1])))
